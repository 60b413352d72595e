package flashpolicy

import (
	"errors"
	"io"
	"net"
	"slices"
	"syscall"
	"time"
)

const (
	// patience bounds all that has to do with one request. A player sends its request
	// with one write, and reads at once.
	patience = 5 * time.Second
	// maxServed bounds the connections that Serve has at a time. More are closed at
	// once: a player asks again elsewhere.
	maxServed = 1024
	// maxRest bounds what is read behind a request, only so that the answer is not lost:
	// a connection that is closed with bytes unread is reset.
	maxRest = 1 << 10
	// respite is how long Serve waits when the system has nothing left to accept with.
	respite = 100 * time.Millisecond
)

// scarce are the errors of Accept that pass: the process or the system has too many
// descriptors, or too little memory, or the peer was faster.
var scarce = []error{
	syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED,
}

// Serve answers every connection to l with the policy, until l is closed or broken; it
// returns the error of Accept then. It does not wait for a request: players send one,
// but what is public need not be asked for, and who sends half of one costs nothing
// ([T flash-policy], "written on connect").
func Serve(l net.Listener, policy []byte) error {
	free := make(chan struct{}, maxServed)
	for {
		nc, err := l.Accept()
		if err != nil {
			if slices.ContainsFunc(scarce, func(e error) bool { return errors.Is(err, e) }) {
				time.Sleep(respite)
				continue
			}
			return err
		}
		select {
		case free <- struct{}{}:
			go func() { // ends within patience
				answer(nc, policy)
				<-free
			}()
		default:
			_ = nc.Close()
		}
	}
}

// answer writes the policy and closes the connection.
func answer(nc net.Conn, policy []byte) {
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(patience))
	if _, err := nc.Write(policy); err != nil {
		return
	}
	if half, ok := nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, nc, maxRest)
	}
}
