package gateway

import (
	"context"
	"net/http"

	"millrace/services/internal/wire"
)

// A Service is one AWS service: the model of its API, and itself the handler of
// the model's operations. It may also implement the interfaces below.
type Service interface {
	Model() *wire.Service
}

// A Claimer is a service that recognizes requests of its own of which neither a
// signature nor a target says whose they are, by their host or path. Claims reads
// the head only. The paths of a REST service that is a Claimer are its claims alone.
type Claimer interface {
	Claims(r *http.Request) bool
}

// A LastClaimer is a service to which requests belong that are nobody's otherwise: it is
// asked last. One service may be.
type LastClaimer interface {
	ClaimsRest(r *http.Request) bool
}

// A Hoster is a service with host names that say more than that they are the service's:
// the bucket that stands in front. HostPath returns the escaped path that a request has
// for the operations of the model, and false where the host is not one of these.
type Hoster interface {
	HostPath(r *http.Request) (path string, ok bool)
}

// An ErrorTranslator is a service whose clients know the gateway's and the codecs' own
// errors by other names. TranslateError sees every error, and returns what to answer; it
// may not change e itself.
type ErrorTranslator interface {
	TranslateError(e *wire.Error) *wire.Error
}

// A PageServer is a service that lets pages of other origins in by rules of its own, as
// buckets have them. All other services are closed to pages.
//
// Preflight answers the OPTIONS request that a browser sends first: it sets the headers,
// or returns the refusal. AllowPage reports whether a page may send the request itself,
// and sets the headers that let it see the answer. It is asked of every request that tells
// its page: by the header Origin or, where a page only embeds what it gets, by
// Sec-Fetch-Site. The operation of r is not known yet, its Path is.
type PageServer interface {
	Preflight(ctx context.Context, r *wire.Request, h http.Header) error
	AllowPage(ctx context.Context, r *wire.Request, h http.Header) bool
}

// A Verifier is a service that holds requests against more than its model: signatures,
// and digests of bodies. VerifyHead is asked before any of the body is read, VerifyBody
// when it is read whole, of operations whose input does not stream.
type Verifier interface {
	VerifyHead(ctx context.Context, op *wire.Operation, r *wire.Request) error
	VerifyBody(ctx context.Context, op *wire.Operation, r *wire.Request) error
}

// A Refuser is a service with an answer of its own to a request for an operation
// that its model has not. name is what the request calls it, "" when it names none.
// nil stands for the protocol's usual answer.
type Refuser interface {
	RefuseOperation(r *wire.Request, p wire.Protocol, name string) *wire.Error
}

// A Limiter is a service with an answer of its own to a body that is longer than an
// operation's limit, in bytes.
type Limiter interface {
	RefuseBody(op *wire.Operation, limit int64) *wire.Error
}
