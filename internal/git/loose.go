package git

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// loose returns the content of an object that has a file of its own, as what was
// staged or committed last has. go-git reads such files too, through buffers that
// grow and a digest of its own: for manifests of megabytes that took longer than
// all that was done with them. It is not ok for what is anything but whole: go-git
// then says what is wrong.
func (s *store) loose(t plumbing.ObjectType, h plumbing.Hash) ([]byte, bool) {
	hex := h.String()
	f, err := os.Open(filepath.Join(s.objects, hex[:2], hex[2:]))
	if err != nil {
		return nil, false
	}
	defer f.Close()
	z, err := zlib.NewReader(bufio.NewReader(f))
	if err != nil {
		return nil, false
	}
	defer z.Close()
	r := bufio.NewReader(z)
	head, err := r.ReadString(0)
	if err != nil {
		return nil, false
	}
	kind, length, _ := strings.Cut(strings.TrimSuffix(head, "\x00"), " ")
	size, err := strconv.ParseInt(length, 10, 64)
	if err != nil || size < 0 || size > s.maxFile || kind != t.String() {
		return nil, false
	}
	out := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	if n, err := out.ReadFrom(io.LimitReader(r, size+1)); err != nil || n != size {
		return nil, false
	}
	return out.Bytes(), plumbing.ComputeHash(t, out.Bytes()) == h
}
