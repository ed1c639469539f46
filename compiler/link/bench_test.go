package link_test

import (
	"fmt"
	"testing"
)

// BenchmarkLink links a platform of upstream manifests in many clusters: time
// and memory for each cluster must not grow with their number.
func BenchmarkLink(b *testing.B) {
	for _, n := range []int{1, 16} {
		b.Run(fmt.Sprintf("%dclusters", n), func(b *testing.B) {
			f := corpusFixture(b)
			one, objects := f.units.Clusters[0], f.rendered[0]
			for i := 1; i < n; i++ {
				u, r := *one, *objects
				u.Name = fmt.Sprintf("eu%d", i)
				r.Cluster = u.Name
				f.units.Clusters, f.rendered = append(f.units.Clusters, &u), append(f.rendered, &r)
			}
			b.ReportAllocs()
			for b.Loop() {
				f.link(b, nil)
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N*n), "ms/cluster")
		})
	}
}
