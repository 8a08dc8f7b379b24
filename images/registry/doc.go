// Package registry is a client of registries: servers of images, whose protocol is
// the OCI distribution-spec. It fetches documents and blobs, pushes images, and
// decides which host gets which password.
//
//	GET /v2/                            is it a registry, and does it need a login?
//	GET /v2/<name>/manifests/<ref>      a manifest or an index, by tag or digest
//	GET /v2/<name>/blobs/<digest>       a config or a layer
//
// The first response may be 401 with a challenge (RFC 9110, 11.3). "Basic" asks for
// a password with each request; "Bearer" names a token server, which gets the
// password and returns a token for one repository and a few minutes.
// go-containerregistry asks and answers; guard.go decides which bytes may be sent over
// which connection, and realm.go which token server is asked.
//
// Package registry knows nothing of the store, and verifies no digest of a blob:
// its caller has all the bytes. To take an image into the store, use
// images.Store.Pull.
//
// Reading order:
//
//	settings.go  mirrors and insecure registries, from registries.json
//	registry.go  addresses and the handshake
//	certs.go     certificate authorities and client certificates
//	guard.go     what is sent over which connection, and retries
//	realm.go     which token server a registry may name
//	token.go     tokens
//	explain.go   errors of registries, with hints
//	fetch.go     manifests and blobs; a download that is cut is resumed
//	tags.go      the tags of a repository
//	push.go      pushing an image
//	login.go     passwords, kept as docker keeps them
package registry
