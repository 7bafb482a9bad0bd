package wire

// A Kind is what a shape is.
type Kind uint8

// The kinds of shapes.
const (
	Structure Kind = iota + 1
	List
	Map
	String
	Boolean
	Integer // 32 bits
	Long    // 64 bits
	Float
	Double
	Blob
	Timestamp
)

// A Shape is a type of a service's model. A structure's Members stand in the
// order of the fields of its Go type.
type Shape struct {
	Name       string
	Kind       Kind
	Members    []*Member
	Payload    string    // name of the member that is the whole body
	Exceptions []*Member // of a stream of events: what may end it
	Element    *Member   // of a list
	Key        *Member   // of a map
	Value      *Member

	Min, Max  *float64 // length of a text, list or map; value of a number
	Pattern   string
	Enum      []string
	Sensitive bool // not to be repeated in errors
	Flattened bool
	Format    string      // of a timestamp: iso8601, rfc822, unixTimestamp; "" for the protocol's own
	Namespace string      // XML
	Prefix    string      // of the namespace
	Error     *ErrorTrait // of an exception
}

// A Member is a use of a shape: in a structure, a list or a map.
type Member struct {
	Name      string // in the model: "QueueUrl"
	Wire      string // locationName; "" when it is the same or the protocol's default
	Query     string // in the query protocol, where it differs from Wire
	QueryJSON string // in the query protocol's JSON, where it differs from Wire
	Location  string // uri, querystring, header (also an event's), headers, statusCode, stream; "" for the body
	Header    string // the canonical name of one that is a header
	Shape     *Shape
	Required  bool
	Flattened bool
	Attribute bool // an XML attribute
	JSONValue bool
	Format    string
	Namespace string
	Prefix    string
}

// An ErrorTrait is how an exception shows on the wire.
type ErrorTrait struct {
	Code   string // in the query protocol; "" for the shape's name
	Status int
	Fault  bool
}

// New makes an error of an exception's shape.
func (sh *Shape) New(message string) *Error {
	return &Error{Code: sh.Name, QueryCode: sh.Error.Code, Status: sh.Error.Status, Fault: sh.Error.Fault, Message: message}
}
