package generation

// All are the generations of Socket.IO that are built, the preferred one of a link
// first.
var All = []*Generation{&Revision5, &Revision1}

// ByName returns the generation called name, or nil.
func ByName(name string) *Generation {
	for _, g := range All {
		if g.Name == name {
			return g
		}
	}
	return nil
}
