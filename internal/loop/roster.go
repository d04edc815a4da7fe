package loop

// A roster holds the tasks of a loop that are not done, in order of their creation. A task knows its
// place, and leaves a hole there when it is done; the holes are closed before the roster grows.
type roster struct {
	all []*Task
	n   int // without the holes
}

// add puts t at the end, if it is not there.
func (r *roster) add(t *Task) bool {
	if t.place != 0 {
		return false
	}
	if len(r.all) == cap(r.all) {
		r.makeRoom()
	}
	r.all = append(r.all, t)
	r.n++
	t.place = uint32(len(r.all))
	return true
}

func (r *roster) remove(t *Task) {
	if t.place == 0 {
		return
	}
	r.all[t.place-1] = nil
	t.place = 0
	r.n--
	last := len(r.all)
	for last > 0 && r.all[last-1] == nil {
		last--
	}
	r.all = r.all[:last]
}

// makeRoom closes the holes if that gives room enough, or lets the roster grow.
func (r *roster) makeRoom() {
	if 2*r.n > len(r.all) {
		r.all = grown(r.all)
		return
	}
	r.close()
}

// close closes the holes.
func (r *roster) close() {
	to := r.all[:0]
	for _, t := range r.all {
		if t != nil {
			to = append(to, t)
			t.place = uint32(len(to))
		}
	}
	clear(r.all[len(to):])
	r.all = to
}

// trim gives back room that is not used.
func (r *roster) trim() {
	r.close()
	r.all = fit(r.all)
}

// tasks returns the tasks.
func (r *roster) tasks() []*Task {
	all := make([]*Task, 0, r.n)
	for _, t := range r.all {
		if t != nil {
			all = append(all, t)
		}
	}
	return all
}
