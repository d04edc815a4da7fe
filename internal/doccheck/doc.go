// Package doccheck holds no code. Its tests keep the documentation true: README.md,
// the other pages beside it, everything below docs, and the pages of examples and bench.
//
// Every block that a page fences with ```go is built and vetted, as a user would
// who copies it into a module of his own:
//
//   - a block with a package clause is a file, and is taken as it is;
//   - a block of declarations gets the imports that it needs;
//   - a block of statements becomes the body of a function that has a ctx and
//     returns an error. A variable that it declares need not be used.
//
// What a page has declared above, the blocks below it on the same page may use. A
// block that is not meant to be built says so with ```go ignore.
//
// A block that is followed by the line <!-- output --> and a block fenced with
// ```text is run, statements by async.Run, and has to print that text.
//
// A page that a reader can follow in a module of its own is followed: its files are written, its commands are run, and
// they have to print what the page says. TestWalks tells how such a page is marked.
//
// A name of ours in inline code exists, in the columns of a table that are not Python's also behind a variable. A Python
// block that begins with an import and stands before a Go block with an output prints the same, if there is a Python to
// run it; and every name that a module of Python exports, and every method of its classes, is in a table of the page for
// those who come from it. A row of such a table is obvious, or leads by a ↓ to a section with a Python block and the Go block
// that prints the same, or says none.
//
// And every relative link leads to a file that is there, and to a heading in it if
// it names one.
package doccheck
