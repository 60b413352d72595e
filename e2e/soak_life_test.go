package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// soakRooms is how many rooms there are, as in clients/soak.js.
const soakRooms = 8

// A tally is what clients did.
type tally struct{ said, heard, echoes, lives atomic.Int64 }

// A soaker is one visit of a raw client, which does what clients/soak.js does; and now
// and then it does not read for a while.
type soaker struct {
	*rawClient
	tally *tally
	last  map[string]int // by speaker, what it has said
}

// textOf is what is said under a number, as in clients/soak.js.
func textOf(n int) string {
	if n%10 == 9 {
		return strings.Repeat("é", 8000)
	}
	return strings.Repeat("é", n%50)
}

// live is a client's life, from its connect to its end.
func live(addr string, i int, sum *tally, stop <-chan struct{}) error {
	c, err := dialRaw(addr, i%2 == 1)
	if err != nil {
		return err
	}
	defer c.Close()
	s := &soaker{rawClient: c, tally: sum}
	for range 1 + rand.IntN(2) {
		if err := s.visit(i, stop); err != nil {
			return fmt.Errorf("client %d, revision 1 %t: %w", i, c.rev1, err)
		}
	}
	sum.lives.Add(1)
	switch rand.IntN(3) {
	case 0:
		return nil // FIN
	case 1:
		return c.SetLinger(0) // RST
	}
	if c.rev1 {
		err = c.write(0x81, "0::")
	} else {
		err = c.write(0x88, "\x03\xe8")
	}
	for err == nil {
		_, _, err = c.nextFrame()
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

// nextFrame reads on without looking: what crosses a goodbye counts no more.
func (c *rawClient) nextFrame() (int, []byte, error) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	var b [512]byte
	n, err := c.br.Read(b[:])
	return n, b[:n], err
}

func (s *soaker) visit(i int, stop <-chan struct{}) error {
	said, err := s.call("enter", fmt.Sprintf("room %d", rand.IntN(soakRooms)))
	if err != nil {
		return err
	}
	s.last = make(map[string]int) // without those of the room before
	if err := json.Unmarshal(said[0], &s.last); err != nil {
		return err
	}
	for n := range 5 + rand.IntN(25) {
		n++ // from 1
		if _, err := s.call("say", n, textOf(n)); err != nil {
			return err
		}
		s.tally.said.Add(1)
		if err := s.also(n); err != nil {
			return err
		}
		if i%5 == 0 && n%5 == 0 {
			select { // and does not read
			case <-stop:
			case <-time.After(500 * time.Millisecond):
			}
		}
		if err := s.pause(time.Duration(50+rand.IntN(300)) * time.Millisecond); err != nil {
			return err
		}
		select {
		case <-stop:
			return s.exit()
		default:
		}
	}
	return s.exit()
}

// pause only listens, for a while.
func (s *soaker) pause(d time.Duration) error {
	for end := time.Now().Add(d); ; {
		ready, err := s.ready(time.Until(end))
		if err != nil || !ready {
			return err
		}
		m, ok, err := s.step()
		if err == nil && ok {
			err = s.take(m)
		}
		if err != nil {
			return err
		}
	}
}

// also does what is done besides.
func (s *soaker) also(n int) error {
	if n%11 == 0 {
		if err := s.emit("", "slow", 50); err != nil {
			return err
		}
	}
	if n%2 == 0 {
		return nil
	}
	echo, err := s.call("echo", n, textOf(n))
	if err != nil {
		return err
	}
	if len(echo) != 2 || string(echo[0]) != strconv.Itoa(n) || len(echo[1]) != len(textOf(n))+2 {
		return fmt.Errorf("echo of %d: %.100s", n, echo)
	}
	s.tally.echoes.Add(1)
	return nil
}

// exit leaves the room, and holds that everything was heard that had been said.
func (s *soaker) exit() error {
	answer, err := s.call("exit")
	if err != nil {
		return err
	}
	var said map[string]int
	if err := json.Unmarshal(answer[0], &said); err != nil {
		return err
	}
	if !maps.Equal(said, s.last) {
		return fmt.Errorf("said was %v, heard %v", said, s.last)
	}
	return nil
}

// call emits an event and listens until it is answered.
func (s *soaker) call(name string, args ...any) ([]json.RawMessage, error) {
	s.ids++
	id := strconv.Itoa(s.ids)
	if err := s.emit(id, name, args...); err != nil {
		return nil, err
	}
	m, err := s.listen(func(m rawMessage) bool { return m.name == "" && m.id == id })
	if err == nil && len(m.args) == 0 {
		err = fmt.Errorf("empty answer to %s", name)
	}
	return m.args, err
}

// listen takes what comes until what is looked for has.
func (s *soaker) listen(found func(rawMessage) bool) (m rawMessage, err error) {
	for {
		if m, err = s.next(); err != nil || found(m) {
			return m, err
		}
		if err = s.take(m); err != nil {
			return m, err
		}
	}
}

// take holds that what each speaker says comes once, in order, with nothing missing.
func (s *soaker) take(m rawMessage) error {
	switch m.name {
	case "said", "gone":
		var speaker, text string
		var n int
		for i, dst := range []any{&speaker, &n, &text}[:len(m.args)] {
			if err := json.Unmarshal(m.args[i], dst); err != nil {
				return err
			}
		}
		last := s.last[speaker]
		if m.name == "gone" {
			if n != last {
				return fmt.Errorf("%s has gone after %d, the last that came is %d", speaker, n, last)
			}
			delete(s.last, speaker)
			return nil
		}
		if n != last+1 || text != textOf(n) {
			return fmt.Errorf("%s: after %d came %d with %d bytes", speaker, last, n, len(text))
		}
		s.last[speaker] = n
		s.tally.heard.Add(1)
		return nil
	case "question":
		return s.answer(m, "answer", m.args[0])
	}
	return fmt.Errorf("got %s %.200s", m.name, m.args)
}
