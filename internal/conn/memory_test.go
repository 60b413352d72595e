package conn_test

import (
	"net"
	"testing"

	"github.com/sockeye-io/socketio/internal/conn"
	"github.com/sockeye-io/socketio/internal/conn/conntest"
)

func init() {
	conn.Memory = func(t testing.TB) (net.Conn, net.Conn) {
		k := conntest.New(&conntest.Options{Fail: t.Errorf})
		server, client := k.Pipe()
		return server, client
	}
}
