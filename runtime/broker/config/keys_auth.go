package config

var backend = oneOf("internal", "oauth2", "ldap", "http", "cache",
	"rabbit_auth_backend_internal", "rabbit_auth_backend_oauth2", "rabbit_auth_backend_ldap",
	"rabbit_auth_backend_http", "rabbit_auth_backend_cache")

// Who knows the users. The cache stands in front of another one.
var authKeys = table{
	"auth_backends.*":       {backend, "3"},
	"auth_backends.*.authn": {backend, "3"},
	"auth_backends.*.authz": {backend, "3"},

	"auth_cache.cached_backend":       {backend, "3"},
	"auth_cache.cached_backend.authn": {backend, "3"},
	"auth_cache.cached_backend.authz": {backend, "3"},
	"auth_cache.cache_ttl":            {amount, "3"},
	"auth_cache.cache_refusals":       {flag, "3"},
}

// Amazon MQ Developer Guide, "OAuth 2.0 authentication and authorization": all keys of
// RabbitMQ's plugin, except those with secrets or files, and those for opaque tokens.
var oauthKeys = oauth(table{
	"auth_oauth2.resource_server_id":                             {text, "3"},
	"auth_oauth2.resource_server_type":                           {text, "3"},
	"auth_oauth2.additional_scopes_key":                          {text, "3"},
	"auth_oauth2.preferred_username_claims.*":                    {text, "3"},
	"auth_oauth2.verify_aud":                                     {flag, "3"},
	"auth_oauth2.scope_prefix":                                   {text, "3"},
	"auth_oauth2.scope_aliases.*":                                {text, "3"},
	"auth_oauth2.scope_aliases.*.alias":                          {text, "3"},
	"auth_oauth2.scope_aliases.*.scope":                          {text, "3"},
	"auth_oauth2.default_oauth_provider":                         {text, "3"},
	"auth_oauth2.resource_servers.*.id":                          {text, "3"},
	"auth_oauth2.resource_servers.*.scope_prefix":                {text, "3"},
	"auth_oauth2.resource_servers.*.additional_scopes_key":       {text, "3"},
	"auth_oauth2.resource_servers.*.resource_server_type":        {text, "3"},
	"auth_oauth2.resource_servers.*.oauth_provider_id":           {text, "3"},
	"auth_oauth2.resource_servers.*.verify_aud":                  {flag, "3"},
	"auth_oauth2.resource_servers.*.preferred_username_claims.*": {text, "3"},
	"auth_oauth2.resource_servers.*.scope_aliases.*":             {text, "3"},
	"auth_oauth2.resource_servers.*.scope_aliases.*.alias":       {text, "3"},
	"auth_oauth2.resource_servers.*.scope_aliases.*.scope":       {text, "3"},

	"management.oauth_enabled":                         {flag, "3"},
	"management.oauth_disable_basic_auth":              {flag, "3"},
	"management.oauth_provider_url":                    {https, "3"},
	"management.oauth_metadata_url":                    {https, "3"},
	"management.oauth_client_id":                       {text, "3"},
	"management.oauth_response_type":                   {text, "3"},
	"management.oauth_scopes":                          {text, "3"},
	"management.oauth_initiated_logon_type":            {logon, "3"},
	"management.oauth_authorization_endpoint_params.*": {text, "3"},
	"management.oauth_token_endpoint_params.*":         {text, "3"},

	"management.oauth_resource_servers.*.id":                                    {text, "3"},
	"management.oauth_resource_servers.*.disabled":                              {flag, "3"},
	"management.oauth_resource_servers.*.label":                                 {text, "3"},
	"management.oauth_resource_servers.*.oauth_provider_url":                    {https, "3"},
	"management.oauth_resource_servers.*.oauth_metadata_url":                    {https, "3"},
	"management.oauth_resource_servers.*.oauth_client_id":                       {text, "3"},
	"management.oauth_resource_servers.*.oauth_response_type":                   {text, "3"},
	"management.oauth_resource_servers.*.oauth_scopes":                          {text, "3"},
	"management.oauth_resource_servers.*.oauth_initiated_logon_type":            {logon, "3"},
	"management.oauth_resource_servers.*.oauth_authorization_endpoint_params.*": {text, "3"},
	"management.oauth_resource_servers.*.oauth_token_endpoint_params.*":         {text, "3"},
})

var logon = oneOf("sp_initiated", "idp_initiated")

// oauth adds the keys that the plugin has of its only provider, and of each of several.
func oauth(t table) table {
	for _, prefix := range []string{"auth_oauth2.", "auth_oauth2.oauth_providers.*."} {
		for name, f := range map[string]form{
			"issuer": https, "jwks_url": https, "jwks_uri": https,
			"token_endpoint": https, "authorization_endpoint": https, "end_session_endpoint": https,
			"discovery_endpoint_path": text, "discovery_endpoint_params.*": text,
			"default_key": text, "algorithms.*": algorithm,
			"https.peer_verification": peer, "https.verify": peer, "https.depth": depth,
			"https.hostname_verification": hostname, "https.crl_check": crl, "https.fail_if_no_peer_cert": flag,
		} {
			t[prefix+name] = key{f, "3"}
		}
	}
	return t
}

// Amazon MQ Developer Guide, "LDAP authentication and authorization for Amazon MQ for
// RabbitMQ": all keys of RabbitMQ's plugin, but passwords and files, which have ARNs
// instead, and the rest of TLS.
var ldapKeys = table{
	"auth_ldap.servers.*":              {host, "3"},
	"auth_ldap.port":                   {whole(1, 65535), "3"},
	"auth_ldap.connection_pool_size":   {amount, "3"},
	"auth_ldap.timeout":                {period, "3"},
	"auth_ldap.idle_timeout":           {period, "3"},
	"auth_ldap.log":                    {oneOf("true", "false", "network"), "3"},
	"auth_ldap.user_bind_pattern":      {text, "3"},
	"auth_ldap.user_dn_pattern":        {text, "3"},
	"auth_ldap.dn_lookup_attribute":    {text, "3"},
	"auth_ldap.dn_lookup_base":         {dn, "3"},
	"auth_ldap.dn_lookup_bind":         {oneOf("as_user", "anon"), "3"},
	"auth_ldap.dn_lookup_bind.user_dn": {dn, "3"},
	"auth_ldap.other_bind":             {oneOf("as_user", "anon"), "3"},
	"auth_ldap.other_bind.user_dn":     {dn, "3"},
	"auth_ldap.group_lookup_base":      {dn, "3"},
	"auth_ldap.use_ssl":                {flag, "3"},
	"auth_ldap.use_starttls":           {flag, "3"},

	"auth_ldap.queries.tags":            {query, "3"},
	"auth_ldap.queries.vhost_access":    {query, "3"},
	"auth_ldap.queries.resource_access": {query, "3"},
	"auth_ldap.queries.topic_access":    {query, "3"},

	"auth_ldap.ssl_options.verify":                {peer, "3"},
	"auth_ldap.ssl_options.fail_if_no_peer_cert":  {flag, "3"},
	"auth_ldap.ssl_options.depth":                 {depth, "3"},
	"auth_ldap.ssl_options.hostname_verification": {hostname, "3"},
	"auth_ldap.ssl_options.crl_check":             {crl, "3"},
}

// Amazon MQ Developer Guide, "HTTP authentication and authorization", which does not
// list sni; its tutorial sets it.
var httpKeys = table{
	"auth_http.http_method":                      {oneOf("get", "post"), "4"},
	"auth_http.user_path":                        {https, "4"},
	"auth_http.vhost_path":                       {https, "4"},
	"auth_http.resource_path":                    {https, "4"},
	"auth_http.topic_path":                       {https, "4"},
	"auth_http.request_timeout":                  {amount, "4"},
	"auth_http.connection_timeout":               {amount, "4"},
	"auth_http.authorization_failure_disclosure": {flag, "4"},

	"auth_http.ssl_options.verify":                {peer, "4"},
	"auth_http.ssl_options.fail_if_no_peer_cert":  {flag, "4"},
	"auth_http.ssl_options.depth":                 {depth, "4"},
	"auth_http.ssl_options.hostname_verification": {hostname, "4"},
	"auth_http.ssl_options.sni":                   {host, "4"},
}

// Amazon MQ Developer Guide, "SSL certificate authentication" and "Configuring mTLS".
// The console cannot insist on client certificates.
var tlsKeys = table{
	"auth_mechanisms.*": {oneOf("PLAIN", "AMQPLAIN", "EXTERNAL"), "4"},

	"ssl_options.verify":                {peer, "4"},
	"ssl_options.fail_if_no_peer_cert":  {flag, "4"},
	"ssl_options.depth":                 {depth, "4"},
	"ssl_options.hostname_verification": {hostname, "4"},

	"ssl_cert_login_from":      {oneOf("distinguished_name", "common_name", "subject_alternative_name", "subject_alt_name"), "4"},
	"ssl_cert_login_san_type":  {oneOf("dns", "ip", "email", "uri", "other_name"), "4"},
	"ssl_cert_login_san_index": {whole(0, maxInt32), "4"},

	"management.ssl.verify":                {peer, "4"},
	"management.ssl.depth":                 {depth, "4"},
	"management.ssl.hostname_verification": {hostname, "4"},
}

const keyRole = "aws.arns.assume_role_arn"

// Amazon MQ Developer Guide, "ARN support in RabbitMQ configuration".
var arnKeys = table{
	keyRole: {role, "3"},

	"aws.arns.auth_ldap.dn_lookup_bind.password": {secret, "3"},
	"aws.arns.auth_ldap.other_bind.password":     {secret, "3"},
	"aws.arns.auth_ldap.ssl_options.cacertfile":  {bundle, "3"},
	"aws.arns.auth_ldap.ssl_options.certfile":    {object, "3"},
	"aws.arns.auth_ldap.ssl_options.keyfile":     {secret, "3"},

	"aws.arns.ssl_options.cacertfile":           {bundle, "4"},
	"aws.arns.management.ssl.cacertfile":        {bundle, "4"},
	"aws.arns.auth_oauth2.https.cacertfile":     {bundle, "4"},
	"aws.arns.auth_http.ssl_options.cacertfile": {bundle, "4"},
	"aws.arns.auth_http.ssl_options.certfile":   {object, "4"},
	"aws.arns.auth_http.ssl_options.keyfile":    {secret, "4"},
}
