package wire

// A Shape is a type of a service's model.
type Shape struct {
	Name string
}
