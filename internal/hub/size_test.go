package hub

import (
	"testing"
	"unsafe"
)

// TestSizes: what every client or event has fits into these size classes of the allocator. A
// field that only some need belongs into rare or belongings.
func TestSizes(t *testing.T) {
	for name, size := range map[string]struct{ is, most uintptr }{
		"Client":     {unsafe.Sizeof(Client{}), 64},
		"Socket":     {unsafe.Sizeof(Socket{}), 96},
		"Event":      {unsafe.Sizeof(Event{}), 128},
		"membership": {unsafe.Sizeof(membership{}), 32},
	} {
		if size.is > size.most {
			t.Errorf("a %s has %d bytes, more than %d", name, size.is, size.most)
		}
	}
}
