package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
)

const (
	picturesPerPage = 20
	pictureWidth    = 320
	pictureHeight   = 180
)

// site is the web site that is crawled. Everything on it follows from the
// numbers of its pages and pictures, so that two sites are equal.
type site struct {
	resources map[string]resource // by path
	originals map[string][]byte   // the pictures, by file name
}

// resource is one answer of the site.
type resource struct {
	contentType string
	body        []byte
	delay       time.Duration
}

// newSite draws the pictures and writes the pages. A page is answered after
// delay, a picture after something between half and three halves of it.
func newSite(delay time.Duration) (*site, error) {
	s := &site{resources: make(map[string]resource), originals: make(map[string][]byte)}
	for page := firstPage; page <= lastPage; page++ {
		var items strings.Builder
		for i := range picturesPerPage {
			number := (page-firstPage)*picturesPerPage + i
			where := fmt.Sprintf("/uploads/allimg/%06d/%04d.jpg", 250100+page, number)
			fmt.Fprintf(&items, "<li><a href=\"/tupian/%d.html\"><img src=\"%s\" alt=\"%s\"></a></li>\n",
				30000+number, where, title(number))
			body, err := draw(number)
			if err != nil {
				return nil, fmt.Errorf("drawing picture %d: %w", number, err)
			}
			// Each delay of the range comes once on every page, in a mixed order:
			// 7 and 20 have no common divisor.
			share := time.Duration(i * 7 % picturesPerPage)
			s.resources[where] = resource{"image/jpeg", body, delay/2 + delay*share/(picturesPerPage-1)}
			s.originals[path.Base(where)] = body
		}
		html := fmt.Sprintf("<!DOCTYPE html>\n<html><head><meta charset=\"gbk\"><title>4K风景图片 第%d页</title></head>\n"+
			"<body><ul class=\"clearfix\">\n%s</ul></body></html>\n", page, &items)
		body, err := simplifiedchinese.GBK.NewEncoder().Bytes([]byte(html))
		if err != nil {
			return nil, fmt.Errorf("encoding page %d: %w", page, err)
		}
		s.resources[fmt.Sprintf("/index_%d.html", page)] = resource{"text/html; charset=gbk", body, delay}
	}
	return s, nil
}

// ServeHTTP answers when the time of the resource has come, or not at all when
// the client has gone away.
func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found, ok := s.resources[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	timer := time.NewTimer(found.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return
	}
	w.Header().Set("Content-Type", found.contentType)
	// An error means that the client has gone, which nobody needs to hear of.
	_, _ = w.Write(found.body)
}

// serve starts a web server on a free port of loopback. Calling stop closes it
// with all of its connections and waits until it is gone.
func serve(handler http.Handler) (base string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	stop = func() error {
		err := server.Close()
		if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
		return err
	}
	return "http://" + listener.Addr().String(), stop, nil
}

var (
	places  = []string{"雪山", "湖泊", "草原", "海岸", "森林", "沙漠", "古镇", "竹海", "梯田", "星空"}
	moments = []string{"清晨的", "雨后的", "深秋的", "月光下的", "云雾中的", "夕阳里的", "初春的", "寂静的"}
)

// title is a different one for each of the eighty pictures.
func title(number int) string {
	return moments[number/len(places)%len(moments)] + places[number%len(places)] + "4K壁纸"
}

// draw makes a picture that looks like a sky with noise in it and is the same on
// every run: noise, because a flat picture would shrink to nothing as a JPEG.
func draw(number int) ([]byte, error) {
	random := rand.New(rand.NewPCG(uint64(number), 0))
	top := color.RGBA{uint8(random.UintN(128)), uint8(random.UintN(128)), uint8(128 + random.UintN(128)), 255}
	img := image.NewRGBA(image.Rect(0, 0, pictureWidth, pictureHeight))
	for y := range pictureHeight {
		light := 96 * y / pictureHeight
		for x := range pictureWidth {
			// Every draw of the generator is used for all three channels.
			grain := light + int(random.UintN(24))
			img.SetRGBA(x, y, color.RGBA{
				R: uint8(min(255, int(top.R)+grain)),
				G: uint8(min(255, int(top.G)+grain)),
				B: uint8(min(255, int(top.B)+grain)),
				A: 255,
			})
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 80}); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
