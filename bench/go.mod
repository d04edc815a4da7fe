module github.com/asyncgo/asyncgo/bench

go 1.26.0

require (
	github.com/alitto/pond/v2 v2.7.1
	github.com/asyncgo/asyncgo v0.0.0
	github.com/panjf2000/ants/v2 v2.12.1
	github.com/sourcegraph/conc v0.3.0
	go.uber.org/goleak v1.3.0
	golang.org/x/sync v0.24.0
)

require github.com/petermattis/goid v0.0.0-20260820044319-269ab09b5261 // indirect

replace github.com/asyncgo/asyncgo => ../
