package websocket

import "math"

const (
	// maxChunk is how many bytes the messages of one read share an allocation of.
	// A message that somebody keeps holds on to that much at most.
	maxChunk = 4096

	// maxFragments bounds the fragments of a message (THREATS.md, "Default limits").
	// They are joined as they arrive and cost no memory, but without a bound empty
	// ones could go on for ever.
	maxFragments = 16384
)

// A Reader turns the bytes that a client sends into messages, however they are cut.
// Between frames it holds nothing beyond itself, and of a message that is under way
// what has arrived of it; lengths that are only announced cost nothing.
//
// The zero Reader is ready to use.
type Reader struct {
	// Limit is the greatest length of a message, fragments joined. 0: no limit.
	Limit int

	part  *partial        // a message or frame under way
	hdr   [maxHeader]byte // the beginning of a header
	nhdr  uint8           // how much of it there is
	ended bool            // after a close frame or an error
}

// A partial is a message under way, a frame under way, or both.
type partial struct {
	// The message so far, fragments joined and unmasked. op is 0 without one.
	msg       []byte
	op        Opcode
	valid     int // msg[:valid] is UTF-8, if op is Text
	fragments int

	// The frame whose payload is under way, if left or ctlOp is not 0.
	left  int    // bytes that are still to come
	key   uint32 // its mask, for the next of them
	fin   bool
	ctlOp Opcode // not 0 for a control frame, which may stand between fragments
	ctl   []byte // its payload so far
}

// Feed takes the next bytes, all of them, and calls yield for each message and each
// control frame that they complete, in order. It keeps no reference to p.
//
// The payload belongs to yield; it may share an allocation with other payloads, but
// no bytes. Text is valid UTF-8, a close frame's payload is as RFC 6455 §5.5.1
// wants it.
//
// An error is a *CloseError, or what yield returned. After an error, or a close
// frame, whatever comes is ignored (RFC 6455 §7.1.7; §1.4: "after receiving a
// control frame indicating the connection should be closed, a peer discards any
// further data").
func (r *Reader) Feed(p []byte, yield func(op Opcode, payload []byte) error) error {
	var chunk []byte // room for the payloads of this read
	for len(p) > 0 && !r.ended {
		var err error
		if f := r.part; f != nil && f.left > 0 {
			p, err = r.resume(p, yield)
		} else {
			p, chunk, err = r.next(p, chunk, yield)
		}
		if err != nil {
			r.end()
			return err
		}
	}
	return nil
}

func (r *Reader) end() { r.ended, r.part, r.nhdr = true, nil, 0 }

// next reads the frame that p begins, or goes on with, and returns the rest of p.
func (r *Reader) next(p, chunk []byte, yield func(Opcode, []byte) error) (rest, free []byte, err error) {
	h, n := r.header(p)
	if n == 0 {
		return nil, chunk, nil
	}
	p = p[n:]
	if err := r.check(h); err != nil {
		return nil, nil, err
	}
	op := h.op()
	if op == Continuation || !h.fin() || h.length > uint64(len(p)) {
		rest, err = r.begin(h, p, yield)
		return rest, chunk, err
	}

	// The common case: a whole message in one frame in one read.
	size := int(h.length)
	payload, rest := p[:size], p[size:]
	if size > len(chunk) {
		chunk = make([]byte, size+shared(rest, size))
	}
	owned := chunk[:size:size]
	ascii := unmask(owned, payload, h.key)
	if op == Text && !ascii {
		if valid, ok := checkText(owned, 0); !ok || valid < size {
			return nil, nil, fail(CloseInvalidData, "text is not UTF-8")
		}
	}
	return rest, chunk[size:], r.deliver(op, owned, yield)
}

// header reads the header that p begins, or goes on with, and returns how many
// bytes of p it took. Without the end of the header it keeps all of p and returns 0.
func (r *Reader) header(p []byte) (h header, n int) {
	if r.nhdr == 0 {
		if h, n = parseHeader(p); n == 0 {
			r.nhdr = uint8(copy(r.hdr[:], p))
		}
		return h, n
	}
	have := int(r.nhdr)
	got := copy(r.hdr[have:], p)
	if h, n = parseHeader(r.hdr[:have+got]); n == 0 {
		r.nhdr += uint8(got)
		return h, 0
	}
	r.nhdr = 0
	return h, n - have
}

// check refuses a frame for what its header says, before anything is kept of it.
func (r *Reader) check(h header) error {
	op := h.op()
	switch {
	case h.b0&rsvBits != 0: // "MUST be 0 unless an extension is negotiated": RFC 6455 §5.2
		return fail(CloseProtocolError, "reserved bits are set")
	case !op.known(): // RFC 6455 §5.2
		return fail(CloseProtocolError, "unknown opcode")
	case h.b1&maskBit == 0: // RFC 6455 §5.1
		return fail(CloseProtocolError, "frame is not masked")
	}
	if op.isControl() { // RFC 6455 §5.5
		if !h.fin() {
			return fail(CloseProtocolError, "control frame is fragmented")
		}
		if h.b1&lengthBits > maxControl {
			return fail(CloseProtocolError, "control frame is longer than 125 bytes")
		}
		return nil
	}
	have := 0
	under := r.part != nil && r.part.op != 0
	if under {
		have = len(r.part.msg)
	}
	limit := r.Limit
	if limit <= 0 {
		limit = math.MaxInt
	}
	switch {
	case under != (op == Continuation): // RFC 6455 §5.4
		return fail(CloseProtocolError, "fragments out of order")
	// Also catches a length with its top bit set (RFC 6455 §5.2). What there is
	// never exceeds the limit, so nothing overflows.
	case h.length > uint64(limit-have):
		return fail(CloseTooBig, "message is too long")
	case under && r.part.fragments >= maxFragments:
		return fail(ClosePolicy, "message has too many fragments")
	}
	return nil
}

// deliver hands out a message or control frame.
func (r *Reader) deliver(op Opcode, payload []byte, yield func(Opcode, []byte) error) error {
	if op == Close {
		if err := checkClose(payload); err != nil {
			return err
		}
		r.end()
	}
	return yield(op, payload)
}

// shared returns how many bytes of payload the whole messages have that rest begins
// with, as far as they fit into a chunk that has a message of size bytes already.
func shared(rest []byte, size int) int {
	total := size
	for {
		h, n := parseHeader(rest)
		if n == 0 || h.length > uint64(len(rest)-n) || h.length > uint64(max(maxChunk-total, 0)) ||
			!h.fin() || h.op() == Continuation {
			return total - size
		}
		total += int(h.length)
		rest = rest[n+int(h.length):]
	}
}
