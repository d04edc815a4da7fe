package coro

// channels is what a routine needs to wait on a channel.
type channels struct {
	wake chan struct{}
	// On the channel carrier: spawn starts the body, and standIn is the runtime routine or
	// root that waits on its channel for this one, without taking a place.
	spawn   func(func())
	standIn *Routine
}

// channel returns the channel that wakes r.
func (r *Routine) channel() chan struct{} {
	x := r.more()
	if x.wake == nil {
		x.wake = make(chan struct{})
	}
	return x.wake
}

// hand passes control on by channel: to is of the channel carrier, or r is. It does not
// park r.
//
// The channel carrier has no places. When a routine that could take one hands over to a
// routine of the channel carrier, it waits on a channel instead, and all places stay
// taken. It is the stand-in from then on: when control is to come back to somebody in a
// place, the stand-in takes that place.
func (r *Routine) hand(to *Routine) {
	standIn := r
	if r.carrier == onThread {
		standIn, r.rare.standIn = r.rare.standIn, nil
	}
	switch {
	case to.carrier != onThread && to.at != nil:
		standIn.errand = &errand{park: to.at}
		standIn.rare.wake <- struct{}{}
	case to.carrier != onThread: // to is the stand-in itself
		to.rare.wake <- struct{}{}
	case to.state == fresh:
		to.rare.standIn = standIn
		to.rare.spawn(to.mainOnThread)
	default:
		to.rare.standIn = standIn
		to.rare.wake <- struct{}{}
	}
}

// mainOnThread is the life of a routine of the channel carrier.
func (r *Routine) mainOnThread() {
	if !r.begin() {
		r.hand(r.back)
		return
	}
	normal := false
	defer func() {
		r.end(recover(), normal)
		if r.back == nil || r.back.Ended() {
			orphaned()
		}
		r.hand(r.back)
	}()
	r.owner.Live(r)
	normal = true
}
