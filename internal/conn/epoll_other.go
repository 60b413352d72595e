//go:build !linux

package conn

import "net"

const haveEpoll = false

// pollable returns no connection: there are loops on Linux only.
func pollable(net.Conn) (Pollable, bool) { return nil, false }
