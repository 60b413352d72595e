module github.com/sockeye-io/socketio/bench

go 1.26.0

replace github.com/sockeye-io/socketio => ../

require (
	github.com/dolthub/maphash v0.1.0 // indirect
	github.com/klauspost/compress v1.17.9 // indirect
	github.com/lxzan/gws v1.8.9 // indirect
	golang.org/x/sys v0.50.0 // indirect
)
