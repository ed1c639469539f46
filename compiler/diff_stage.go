package compiler

import (
	"context"

	"github.com/darkstart-dev/darkstart/compiler/diff"
	"github.com/darkstart-dev/darkstart/compiler/emit"
	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// diff compares what was compiled with the base, if there is one.
func (r *run) diff(ctx context.Context) error {
	if r.Base == nil || r.Base.Fleet == nil {
		return nil
	}
	r.event("diff", "", 0, 0)
	defer r.trace("diff", "")()
	d, ds, err := diff.Diff(ctx, Side(r.BaseName, r.Base), Side(r.HeadName, r.res), &diff.Config{})
	if err != nil {
		return err
	}
	r.res.Delta = d
	r.res.Diagnostics.Add(ds...)
	return nil
}

// Delta compares two compiled fleets.
func Delta(ctx context.Context, baseName string, base *Result, headName string, head *Result) (*ir.Delta, error) {
	d, _, err := diff.Diff(ctx, Side(baseName, base), Side(headName, head), &diff.Config{})
	return d, err
}

// Side is a compiled fleet as one side of a comparison: its objects at their
// places. What its components declare as disposable holds no data that anybody
// would miss.
func Side(name string, res *Result) *diff.Side {
	s := &diff.Side{Name: name, Plan: res.Plan}
	for _, c := range res.Fleet.Clusters {
		held := res.Fleet.Held(c.Name)
		for _, p := range c.Parts {
			for _, o := range p.Objects {
				k := o.Key()
				lost := c.Unit.Spec.Components[p.Component].Disposable == nil
				s.Items = append(s.Items, diff.Item{
					Cluster: c.Name, Component: p.Component, Part: p.ID(), Phase: p.Phase, Object: o,
					Kept: ir.Keeps(k) || held[k] || emit.Protected(o), Orphaned: emit.Orphaned(p.Name),
					Stateful: lost && stateful(k.Group, k.Kind) || held[k],
				})
			}
		}
	}
	return s
}

// stateful kinds hold data by themselves.
func stateful(group, kind string) bool {
	switch group + "/" + kind {
	case "/PersistentVolume", "/PersistentVolumeClaim", "apps/StatefulSet",
		// The custom resources of databases, as in DR001.
		"postgresql.cnpg.io/Cluster", "acid.zalan.do/postgresql", "postgres-operator.crunchydata.com/PostgresCluster",
		"mysql.oracle.com/InnoDBCluster", "pxc.percona.com/PerconaXtraDBCluster", "psmdb.percona.com/PerconaServerMongoDB",
		"mongodbcommunity.mongodb.com/MongoDBCommunity", "kafka.strimzi.io/Kafka", "elasticsearch.k8s.elastic.co/Elasticsearch",
		"rabbitmq.com/RabbitmqCluster", "cassandra.datastax.com/CassandraDatacenter":
		return true
	}
	return false
}
