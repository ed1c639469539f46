# METADATA
# title: the resources of operators that keep state
# description: Data of the rule. Nothing here decides anything.
package darkstart.rules.dr001.kinds

# METADATA
# scope: document
# description: kinds that always claim volumes, as group and kind
always := {
	["acid.zalan.do", "postgresql"],
	["cassandra.datastax.com", "CassandraDatacenter"],
	["cdi.kubevirt.io", "DataVolume"],
	["ceph.rook.io", "CephCluster"],
	["clickhouse.altinity.com", "ClickHouseInstallation"],
	["couchbase.com", "CouchbaseCluster"],
	["crdb.cockroachlabs.com", "CrdbCluster"],
	["database.arangodb.com", "ArangoDeployment"],
	["elasticsearch.k8s.elastic.co", "Elasticsearch"],
	["k8s.mariadb.com", "MariaDB"],
	["k8ssandra.io", "K8ssandraCluster"],
	["kafka.strimzi.io", "Kafka"],
	["loki.grafana.com", "LokiStack"],
	["minio.min.io", "Tenant"],
	["moco.cybozu.com", "MySQLCluster"],
	["mongodbcommunity.mongodb.com", "MongoDBCommunity"],
	["mysql.oracle.com", "InnoDBCluster"],
	["opensearch.opster.io", "OpenSearchCluster"],
	["pgv2.percona.com", "PerconaPGCluster"],
	["pingcap.com", "TidbCluster"],
	["planetscale.com", "VitessCluster"],
	["postgres-operator.crunchydata.com", "PostgresCluster"],
	["postgresql.cnpg.io", "Cluster"],
	["ps.percona.com", "PerconaServerMySQL"],
	["psmdb.percona.com", "PerconaServerMongoDB"],
	["pxc.percona.com", "PerconaXtraDBCluster"],
	["rabbitmq.com", "RabbitmqCluster"],
	["scylla.scylladb.com", "ScyllaCluster"],
	["stackgres.io", "SGCluster"],
}

# METADATA
# scope: document
# description: kinds that claim volumes when a field says so, by the field
claiming := {
	"/spec/storage/volumeClaimTemplate": {
		["monitoring.coreos.com", "Alertmanager"],
		["monitoring.coreos.com", "Prometheus"],
		["monitoring.coreos.com", "ThanosRuler"],
		["redis.redis.opstreelabs.in", "Redis"],
		["redis.redis.opstreelabs.in", "RedisCluster"],
		["redis.redis.opstreelabs.in", "RedisReplication"],
	},
	"/spec/redis/storage/persistentVolumeClaim": {["databases.spotahome.com", "RedisFailover"]},
	"/spec/snapshot/persistentVolumeClaimSpec": {["dragonflydb.io", "Dragonfly"]},
	"/spec/volumeClaimTemplates": {["apps.kruise.io", "StatefulSet"], ["vault.banzaicloud.com", "Vault"]},
	"/spec/vmstorage/storage": {["operator.victoriametrics.com", "VMCluster"]},
	"/spec/storage": {["operator.victoriametrics.com", "VMSingle"]},
	"/spec/persistentVolumeClaim": {["grafana.integreatly.org", "Grafana"]},
}
