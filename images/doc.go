// Package images stores images: it loads, pulls, pushes and saves them, names,
// lists, verifies and removes them, and opens them for reading.
//
// An image consists of blobs, each named by the SHA-256 of its bytes: a manifest
// refers to a config and to layers; the config says how to run the image, and
// has the diff ID of each layer. The digest of the config is the ID of the image.
//
// The store is an OCI image layout (image-spec, image-layout.md), which skopeo
// and crane can read, with the unpacked layers beside it:
//
//	.minictr            the mark that the directory is minictr's (package owned)
//	oci-layout          {"imageLayoutVersion": "1.0.0"}
//	index.json          names → manifests
//	blobs/sha256/<hex>  manifests and configs (0644), compressed layers (0600); 0711
//	layers/             see package layers (0700)
//	tmp/                scratch directories (0700)
//	partial/            interrupted downloads, see partial.go (0700)
//	events/             what happened, see package events (0700)
//	lock, index.lock    see lock.go
//
// The rules:
//   - Untrusted bytes become visible after their digest was checked, by a
//     rename(2) out of tmp: blobs first, the name of an image in index.json last.
//     What a crash leaves is invisible, and the next load removes it.
//   - A user who may search the root of the store (0711), but not list it, can
//     read names and configs, so that "minictr plan" needs no privileges; only root
//     can read the files of layers.
//
// Package images knows nothing of processes, mounts or the OCI runtime config.
// A container refers to its image by containers/<id>/image in the same root: that
// file is all that images reads of containers. For the unpacked layers alone, use
// package layers; for the protocol of registries, package registry.
//
// Reading order:
//
//	store.go           the directories of the store, and reading blobs
//	own.go             which files in them are minictr's
//	lock.go            locks and scratch directories
//	reference.go       complete and short names
//	platform.go        os/arch[/variant], and choosing an image for it
//	manifest.go        parsing manifests, indexes and configs
//	docker.go          docker's part of the config
//	index.go           index.json: the names of images
//	image.go           finding and reading images of the store
//	platforms.go       an image for several platforms
//	inspect.go         an image in the format of docker inspect
//	resolve.go         from a name to the manifests and configs of its platforms
//	archive.go         the files of an archive or OCI layout
//	archive_image.go   the images of an archive
//	archive_stream.go  an archive that can be read only once
//	staged_layer.go    a layer in a scratch directory
//	load.go            Load: from an archive into a scratch directory
//	import.go          Import: from a tar of a root filesystem
//	change.go          instructions that change a config
//	change_words.go    their words
//	commit.go          from a scratch directory into the store
//	pull.go            Pull: from a registry into the store
//	partial.go         downloading a layer, and resuming that
//	push.go            Push: from the store to a registry
//	save.go            Save: from the store into an archive
//	tag.go             Tag: another name for an image
//	remove.go          Remove: names, then unreferenced blobs and layers
//	usage.go           DiskUsage: what images use on disk
//	prune.go           Prune: unused images and leftovers
//	damage.go          what is damaged, and what that hinders
//	fsck.go            Fsck: verifying the store
//	fsck_leftover.go   files of the store that no image refers to
//	repair.go          Repair: removing what is damaged
//	source.go          Source: reading an image without loading it
//	source_archive.go  a Source in an archive
//	history.go         the build steps of a Source
//	event.go           events of images
package images
