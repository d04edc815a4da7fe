// Package overlay makes the files by which the go command builds blocking functions as cooperative ones.
//
// It reads the sources of the standard library from the user's own toolchain, and those of other packages from wherever the
// go command has them, and writes copies in which the named functions, the sites, are renamed. A wrapper takes the name of
// each: it looks whether the site is on, and asks the hook in package runtime what to do. In a program that never sets the
// hook the wrappers do nothing but call the originals.
//
// Sources are edited by their syntax, in place and without moving a line, so that stack traces and directives stay what
// they were. A function that is not there, or whose shape is not known, is an error that names it.
package overlay
