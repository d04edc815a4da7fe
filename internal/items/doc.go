// Package items is what the queues of packages async and gevent keep their items in: a ring, and the orders in which
// items come out of it. It knows neither locks nor who waits.
package items
