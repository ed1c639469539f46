package compiler

import (
	"context"

	"github.com/darkstart-dev/darkstart/compiler/diff"
	"github.com/darkstart-dev/darkstart/compiler/emit"
	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// diff compares what was compiled with the base, if there is one.
func (r *run) diff(ctx context.Context) error {
	base := r.baseSide()
	if base == nil {
		return nil
	}
	r.event("diff", "", 0, 0)
	defer r.trace("diff", "")()
	d, ds, err := diff.Diff(ctx, base, Side(r.HeadName, r.res), &diff.Config{})
	if err != nil {
		return err
	}
	r.res.Delta = d
	r.res.Diagnostics.Add(ds...)
	return nil
}

// baseSide is what the head is compared with, nil for nothing.
func (r *run) baseSide() *diff.Side {
	if r.Base != nil && r.Base.Fleet != nil {
		return Side(r.BaseName, r.Base)
	}
	if len(r.Bases) == 0 {
		return nil
	}
	out := &diff.Side{Name: r.BaseName}
	for _, b := range r.Bases {
		if b.Fleet != nil {
			out.Items = append(out.Items, Side("", b).Items...)
		}
	}
	return out
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
	s := &diff.Side{Name: name, Plan: res.Plan, Tools: map[string]string{}}
	if f := res.Fleet.Units.Fleet; f != nil {
		for id, t := range f.Spec.Tools {
			s.Tools[id] = t.Version
		}
	}
	for _, c := range res.Fleet.Clusters {
		held := res.Fleet.Held(c.Name)
		together := c.Unit.Spec.Delivery != nil && c.Unit.Spec.Delivery.Kind == "argocd" // one Application
		for _, p := range c.Parts {
			for _, o := range p.Objects {
				k := o.Key()
				lost := c.Unit.Spec.Components[p.Component].Disposable == nil
				s.Items = append(s.Items, diff.Item{
					Cluster: c.Name, Component: p.Component, Part: p.ID(), Phase: p.Phase, Object: o,
					Kept: ir.Keeps(k) || held[k] || emit.Protected(o), Orphaned: emit.Orphaned(p.Name),
					Together: together,
					Stateful: lost && stateful(k.Group, k.Kind) || held[k],
				})
			}
		}
	}
	return s
}

// stateful objects hold data by themselves.
func stateful(group, kind string) bool {
	switch group + "/" + kind {
	case "/PersistentVolume", "/PersistentVolumeClaim", "apps/StatefulSet",
		// The custom resources of operators, as in policies/dr001/kinds.rego.
		"acid.zalan.do/postgresql", "cassandra.datastax.com/CassandraDatacenter", "cdi.kubevirt.io/DataVolume",
		"ceph.rook.io/CephCluster", "clickhouse.altinity.com/ClickHouseInstallation", "couchbase.com/CouchbaseCluster",
		"crdb.cockroachlabs.com/CrdbCluster", "database.arangodb.com/ArangoDeployment",
		"elasticsearch.k8s.elastic.co/Elasticsearch", "k8s.mariadb.com/MariaDB", "k8ssandra.io/K8ssandraCluster",
		"kafka.strimzi.io/Kafka", "kafka.strimzi.io/KafkaNodePool", "loki.grafana.com/LokiStack", "minio.min.io/Tenant",
		"moco.cybozu.com/MySQLCluster", "mongodbcommunity.mongodb.com/MongoDBCommunity", "mysql.oracle.com/InnoDBCluster",
		"opensearch.opster.io/OpenSearchCluster", "pgv2.percona.com/PerconaPGCluster", "pingcap.com/TidbCluster",
		"planetscale.com/VitessCluster", "postgres-operator.crunchydata.com/PostgresCluster", "postgresql.cnpg.io/Cluster",
		"ps.percona.com/PerconaServerMySQL", "psmdb.percona.com/PerconaServerMongoDB", "pxc.percona.com/PerconaXtraDBCluster",
		"rabbitmq.com/RabbitmqCluster", "scylla.scylladb.com/ScyllaCluster", "stackgres.io/SGCluster":
		return true
	}
	return false
}
