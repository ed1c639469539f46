package darkstart.rules.sc004_test

import data.darkstart.rules.sc004
import data.darkstart.rules.sc004.text

object_of(kind, content) := {
	"kind": kind, "group": "", "key": sprintf("%s/shop/x", [kind]),
	"namespace": "shop", "name": "x", "component": "web", "content": content,
}

judge(kind, content) := paths if {
	o := object_of(kind, content)
	paths := {f.subject.path | some f in sc004.deny} with input as {"objects": [o], "kinds": {kind: [o]}, "scan": []}
}

secret(field, values) := judge("Secret", {field: values})

test_password_is_red_and_username_is_not if {
	secret("stringData", {"username": "admin", "password": "hunter2"}) == {"/stringData/password"}
}

test_data_is_decoded if {
	secret("data", {"password": base64.encode("hunter2")}) == {"/data/password"}
	secret("data", {"password": base64.encode("${PASSWORD}")}) == set()
	secret("data", {"password": ""}) == set()
}

test_path_is_a_pointer if {
	secret("stringData", {"a/b": "hunter2"}) == {"/stringData/a~1b"}
}

test_what_passes_in_a_secret if {
	every value in [
		"", "  ", "ENC[AES256_GCM,data:x]", "${X}", "$(X)", "{{ .Values.x }}", "<your password>", "<path:a/b#c>",
		"ref+vault://a/b#c", "vault:secret/data/x#y", `{"auths": {}}`,
		"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
	] {
		secret("stringData", {"password": value}) == set()
	}
}

test_private_key_is_red if {
	bundle := "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
	secret("stringData", {"tls.pem": bundle}) == {"/stringData/tls.pem"}
	secret("stringData", {"app.conf": bundle}) == {"/stringData/app.conf"}
}

test_names_of_credentials if {
	every name in [
		"password", "DB_PASSWORD", "MYSQL.PASSWD", "gpg-passphrase", "clientSecret", "GITHUB_TOKEN", "apiKey", "API-KEY", "accessKey", "AWS_ACCESS_KEY_ID",
		"aws-access-keyId", "secret_key", "tlsPrivateKey", "CREDENTIAL", "credentials",
	] {
		text.secret_name(name)
	}
	every name in ["PASSWORD_FILE", "TOKEN_TTL", "KEY", "SORT_KEY", "secrets", "1password", "MONKEY"] {
		not text.secret_name(name)
	}
}

test_registry_credentials_are_red if {
	secret("stringData", {".dockerconfigjson": `{"auths": {"r.example.com": {"auth": "dTpw"}}}`}) == {"/stringData/.dockerconfigjson"}
	secret("stringData", {".dockerconfigjson": `{"auths": {}}`}) == set()
}

test_url_with_password_is_red if {
	secret("stringData", {"url": "postgres://u:p@db/x"}) == {"/stringData/url"}
}

test_configuration_files if {
	secret("stringData", {"grafana.ini": "[x]\ntimezone = UTC\n"}) == set()
	secret("stringData", {"grafana.ini": "[x]\npassword_file = /etc/p\n"}) == set()
	secret("stringData", {"grafana.ini": "[x]\npassword = hunter2\n"}) == {"/stringData/grafana.ini"}
	secret("stringData", {"am.yaml": "receivers:\n- service_key: \"3f9c8a1d\"\n"}) == {"/stringData/am.yaml"}
	secret("stringData", {"am.yaml": "x: https://u:p@h/\n"}) == {"/stringData/am.yaml"}
	secret("stringData", {"notes": "[x]\ntimezone = UTC\n"}) == {"/stringData/notes"}
}

pod(container) := judge("Pod", {"spec": {"containers": [container]}})

test_environment if {
	pod({"env": [{"name": "DB_PASSWORD", "value": "hunter2"}]}) == {"/spec/containers/0/env/0/value"}
	every name in ["TOKEN_TTL", "SECRET_NAME", "PASSWORD_FILE", "KEY", "AUTH_URL"] {
		pod({"env": [{"name": name, "value": "hunter2"}]}) == set()
	}
	every value in ["", "true", "30m", "8080", "/run/token", "$(TOKEN)", "https-${X}"] {
		pod({"env": [{"name": "API_TOKEN", "value": value}]}) == set()
	}
}

test_flags if {
	pod({"args": ["--password=hunter2"]}) == {"/spec/containers/0/args/0"}
	pod({"args": ["--password-file=/x", "--token-ttl=5m", "--password=$(P)", "--token", "--v=2"]}) == set()
	pod({"args": ["--api-token", "hunter2", "--password", "$(P)"]}) == {"/spec/containers/0/args/1"}
	pod({"command": ["sh", "-c", "PGPASSWORD=hunter2 psql"]}) == {"/spec/containers/0/command/2"}
	pod({"command": ["sh", "-c", "PGPASSWORD=$(cat /run/p) psql", "--set=auth.password=hunter2"]}) == {"/spec/containers/0/command/3"}
}

test_addresses if {
	pod({"env": [{"name": "DATABASE_URL", "value": "postgres://u:hunter2@db/x"}]}) == {"/spec/containers/0/env/0/value"}
	pod({"env": [{"name": "DATABASE_URL", "value": "postgres://u:$(P)@db/x"}, {"name": "U", "value": "https://db:5432/x@y"}]}) == set()
}

# Public keys, switches, and what a join token says about itself.
test_what_is_public if {
	secret("stringData", {"known_hosts": "git.example.com ssh-ed25519 AAAAC3Nz\n", "enableLfs": "true"}) == set()
	secret("stringData", {"a.asc": "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n-----END PGP PUBLIC KEY BLOCK-----"}) == set()
	secret("stringData", {"identity": "-----BEGIN OPENSSH PRIVATE KEY-----\nx"}) == {"/stringData/identity"}
	judge("Secret", {"type": "bootstrap.kubernetes.io/token", "stringData": {"token-id": "07401b", "token-secret": "f395"}}) == {"/stringData/token-secret"}
}

test_values_of_charts if {
	judge("HelmRelease", {"spec": {"values": {"auth": {"password": "hunter2", "existingSecret": "db"}}}}) == {"/spec/values/auth/password"}
	judge("Application", {"spec": {"source": {"helm": {"parameters": [{"name": "auth.password", "value": "hunter2"}]}}}}) == {"/spec/source/helm/parameters/0/value"}
	judge("HelmRelease", {"spec": {"values": {"auth": {"password": "", "token": "${TOKEN}"}}}}) == set()
}

test_configuration_in_maps if {
	judge("ConfigMap", {"data": {"a.properties": "x=1\ndb.password=hunter2\n"}}) == {"/data/a.properties"}
	judge("ConfigMap", {"data": {"a.yaml": "password: ${P}\npasswordRef: db\ntls: {secret: wildcard}\n", "a.txt": "password: hunter2"}}) == set()
}

test_names_of_secrets if {
	named := object.union(object_of("Secret", {}), {"name": "web-token"})
	pods := [object_of("Pod", {"spec": {"containers": [{"env": [{"name": "PULL_SECRET", "value": "web-token"}]}]}})]
	count(sc004.deny) == 0 with input as {"objects": [], "kinds": {"Secret": [named], "Pod": pods}, "scan": []}
}

test_config_map_keys if {
	judge("ConfigMap", {"data": {"API_KEY": "k3y-1234"}}) == {"/data/API_KEY"}
	judge("ConfigMap", {"data": {"apiKeyHeader": "x-api-key"}}) == set()
}

hit := {"object": "ConfigMap/shop/x", "component": "web", "path": "/data/x", "detector": "gitlab-pat", "what": "GitLab token"}

test_scan_is_reported_once if {
	count(sc004.deny) == 1 with input as {"objects": [{}], "kinds": {}, "scan": [hit]}
	o := object_of("ConfigMap", {"data": {"x": "y"}})
	named := object_of("ConfigMap", {"data": {"API_KEY": "k3y-1234"}})
	again := object.union(hit, {"path": "/data/API_KEY"})
	count(sc004.deny) == 1 with input as {"objects": [named], "kinds": {"ConfigMap": [named]}, "scan": [again]}
	sc004.evaluated == 1 with input as {"objects": [o], "kinds": {}, "scan": []}
}

test_text_never_leaves if {
	o := object_of("Secret", {"stringData": {"password": "hunter2"}})
	found := sc004.deny with input as {"objects": [o], "kinds": {"Secret": [o]}, "scan": []}
	not contains(json.marshal(found), "hunter2")
}

test_public_needs_every_block if {
	text.public("-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----")
	not text.public("-----BEGIN EC PRIVATE KEY-----\nx\n-----END EC PRIVATE KEY-----")
}

# The words are searched for before their expressions are; none may be missed.
test_every_word_is_searched_for if {
	every word in ["password", "PASSWD", "db-Passphrase", "token", "ApiKey", "api_key", "api-KEY"] {
		text.configured("app.ini", sprintf("a = b\n%s = hunter2", [word])) == {word}
		text.given(sprintf("run --x %s=hunter2", [word])) == {word}
		text.assigns(sprintf("%s: hunter2", [word]))
	}
	every word in ["SECRET", "credential", "credentials", "private_key", "account-key", "SharedKey"] {
		text.assigns(sprintf("%s: hunter2", [word]))
	}
}
