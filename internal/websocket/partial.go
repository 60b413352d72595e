package websocket

// begin starts a frame that is not a whole message, or not all there, and takes
// what p has of it.
func (r *Reader) begin(h header, p []byte, yield func(Opcode, []byte) error) (rest []byte, err error) {
	f := r.part
	if f == nil {
		f = new(partial)
		r.part = f
	}
	f.left, f.key, f.fin = int(h.length), h.key, h.fin()
	switch op := h.op(); {
	case op.isControl():
		f.ctlOp = op
	case op != Continuation:
		f.op = op
		fallthrough
	default:
		f.fragments++
	}
	return r.resume(p, yield)
}

// resume takes what p has of the frame under way.
func (r *Reader) resume(p []byte, yield func(Opcode, []byte) error) (rest []byte, err error) {
	f := r.part
	n := min(len(p), f.left)
	var ok bool
	if f.ctlOp != 0 {
		f.ctl, _ = f.take(f.ctl, p[:n], maxControl)
	} else {
		var ascii bool
		f.msg, ascii = f.take(f.msg, p[:n], r.Limit)
		if f.op == Text {
			// At once, not at the message's end: what nobody will use is not kept.
			if whole := f.valid == len(f.msg)-n; whole && ascii {
				f.valid = len(f.msg)
			} else if f.valid, ok = checkText(f.msg, f.valid); !ok {
				return nil, fail(CloseInvalidData, "text is not UTF-8")
			}
		}
	}
	if f.left > 0 {
		return p[n:], nil
	}
	return p[n:], r.finish(yield)
}

// finish ends the frame under way, and the message if it was its last.
func (r *Reader) finish(yield func(Opcode, []byte) error) error {
	f := r.part
	if op := f.ctlOp; op != 0 {
		payload := f.ctl
		f.ctlOp, f.ctl = 0, nil
		if f.op == 0 {
			r.part = nil
		}
		return r.deliver(op, payload, yield)
	}
	if !f.fin {
		return nil
	}
	if f.op == Text && f.valid < len(f.msg) {
		return fail(CloseInvalidData, "text is not UTF-8") // cut off inside a character
	}
	r.part = nil
	return r.deliver(f.op, f.msg[:len(f.msg):len(f.msg)], yield)
}

// take appends p, the next bytes of the frame under way, to b. limit is the most
// that b can ever hold, if positive.
func (f *partial) take(b, p []byte, limit int) (_ []byte, ascii bool) {
	have := len(b)
	b = f.grow(b, len(p), limit)[:have+len(p)]
	ascii = unmask(b[have:], p, f.key)
	f.key = turn(f.key, len(p))
	f.left -= len(p)
	return b, ascii
}

// grow makes room in b for n more bytes, of the f.left that are to come. The room
// doubles, so that it follows what has arrived and not what is announced; once most
// of the message's last frame is there it gets just what is missing, and a long
// message ends in memory that fits it.
func (f *partial) grow(b []byte, n, limit int) []byte {
	const least = 128
	need := len(b) + n
	if need <= cap(b) {
		return b
	}
	size := max(2*need, least)
	if end := len(b) + f.left; f.fin && size+size/4 >= end {
		size = end
	} else if limit > 0 {
		size = min(size, limit)
	}
	return append(make([]byte, 0, size), b...)
}
