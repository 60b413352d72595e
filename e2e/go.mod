module github.com/sockeye-io/socketio/e2e

go 1.26.0

replace github.com/sockeye-io/socketio => ../
