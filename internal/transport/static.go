package transport

import (
	"net/http"
	"slices"
	"time"

	"github.com/sockeye-io/socketio/internal/static"
)

// fileMethods are what a client file takes (decision 19).
var fileMethods = []string{"GET, HEAD, OPTIONS"}

// fileTimeout is how long the answer with a client file may take. The longest have
// some 300 KB.
const fileTimeout = 2 * time.Minute

// file answers a request for a client file. No page is refused: scripts are run without
// a permission, and what everybody can have from npm is no secret. Without one there are
// no fields of CORS, so a page of another origin can neither read it nor import it as a
// module.
func (x *exchange) file(f *static.File) {
	x.dropBody()
	x.locate()
	x.admitOrigin()
	h := x.w.Header()
	if !slices.Contains(h["Vary"], "Origin") {
		h.Add("Vary", "Origin") // caches keep it: the answer to another page may have the fields
	}
	switch x.r.Method {
	case http.MethodGet, http.MethodHead:
		_ = x.rc.SetWriteDeadline(time.Now().Add(fileTimeout)) // net/http lifts it
		if err := f.Serve(x.w, x.r); err != nil {
			x.s.log.Error("socketio: cannot read a client file", "error", err)
			x.deny(http.StatusInternalServerError, "internal server error")
		}
	case http.MethodOptions:
		x.preflight(fileMethods)
	default:
		h["Allow"] = fileMethods
		x.deny(http.StatusMethodNotAllowed, "method not allowed")
	}
}
