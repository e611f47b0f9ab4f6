import Documents

/// The keys of a destination and of what it holds.
enum DestinationKeys {
    static let destination = KeyTable(
        "a destination",
        [
            Key("kind", .word(Destination.Kind.allCases.map(\.rawValue)), required: true, "What is spoken there."),
            Key("baseUrl", .url, kinds: [.flowmate, .integrator], "Root of the API."),
            Key("url", .url, kinds: [.webhook], "Full URL; a delivery may append a path."),
            Key("org", .name, kinds: [.salesforce], "Name of an org of sluice.yaml, whose sign-in is used."),
            Key(
                "client", .text, default: Destination.defaultClient, kinds: [.salesforce],
                "The org's rest.clientName: rules that write there leave out changes that this client made."),
            Key("auth", .table(auth), kinds: called, "How requests are authorized."),
            Key("sign", .table(sign), kinds: [.webhook, .flowmate], "How bodies are signed."),
            Key(
                "listeners", .map(.name, .table(listener)), default: "{}", kinds: [.integrator],
                "Webhook exports of integrator.io."),
            Key("tls", .table(tls), kinds: called, "Own certificate authority, client certificate."),
            Key("proxy", .text, kinds: called, "URL of an HTTP proxy; default is that of the environment."),
            Key("headers", .map(.headerName, .text), default: "{}", kinds: [.webhook], "Sent with every request."),
            Key("timeout", .duration, default: "30s", "For one attempt."),
            Key("concurrency", .constant, "Requests at the same time, or auto to find out how many are taken well."),
            Key(
                "flowConcurrency", .integer(1...256), default: "4", kinds: [.flowmate],
                "Requests at the same time to one flow; never more than concurrency allows."),
            Key("rate", .rate, "Requests per second, minute or hour."),
            Key("allowHttp", .bool, default: "false", kinds: called, "Allows plain http, and the machine itself, for tests."),
            Key(
                "allowPrivate", .bool, default: "false", kinds: called,
                "Allows addresses of private networks, of the machine itself, and link-local ones."),
            Key("paths", .table(paths), kinds: [.flowmate], "Where this FlowMate keeps things."),
            Key("discovery", .table(discovery), kinds: [.flowmate], "How the flows of users are found."),
            Key(
                "runBody", .word(["nested", "topLevel", "none"]), default: "nested", kinds: [.integrator],
                "The form of a run's window; `sluice integrator prove-window` finds out which works."),
            Key(
                "resolveKey", .word(["errors", "errorIds"]), default: "errors", kinds: [.integrator],
                "The name under which record errors are resolved."),
            Key(
                "recordErrors", .word(["keep", "rerun"]), default: "keep", kinds: [.integrator],
                "Of a run that completed with record errors: keep takes its events as done, since integrator.io keeps "
                    + "and retries those records; rerun runs the window again, as after a failed run."),
        ])

    /// Those that a rule file says how to call; of an org, sluice.yaml does.
    private static let called: [Destination.Kind] = [.flowmate, .integrator, .webhook]

    /// Paths of FlowMate's API; documents and installations differ.
    static let paths = KeyTable(
        "paths",
        [
            Key("flows", .text, default: "/flows", "The list of flows."),
            Key("webhooks", .text, default: "/webhooks", "The webhooks of flows."),
            Key("users", .text, default: "/users", "The list of users: also /api/users or /api/v1/users."),
            Key("impersonate", .text, default: "/impersonate", "Tokens of users."),
            Key("login", .text, default: "/login", "Tokens for a user name and a password."),
            Key("tokens", .text, default: "/api/v1/tokens", "Tokens that stay."),
            Key("executions", .text, default: "/icenter/executions", "Counts of executions."),
        ])

    static let discovery = KeyTable(
        "discovery",
        [
            Key("refresh", .duration, default: "5m", "Between two readings of users and flows, from 10s to 24h."),
            Key("templates", .list(.hexID, mayBeEmpty: false), "Only flows made from these templates."),
        ])

    static let auth = KeyTable(
        "auth", isChoice: true,
        commonAuth + [Key("oauth2", .table(oauth2), "A token by OAuth 2.0 client credentials; webhooks only.")])

    static let oauth2 = KeyTable(
        "oauth2",
        [
            Key("tokenUrl", .url, required: true, "Where tokens are given out."),
            Key("clientId", .text, required: true, "ID of the client."),
            Key("clientSecret", .secret, required: true, "Its secret."),
            Key("scope", .text, "What the token is for, as the receiver names it; several with blanks between."),
            Key("audience", .text, "Whom the token is for, where the receiver wants to be told."),
            Key(
                "sendSecret", .word(["header", "body"]), default: "header",
                "ID and secret as HTTP Basic, or in the body."),
        ])

    static let listenerAuth = KeyTable(
        "auth", isChoice: true,
        commonAuth + [
            Key("query", .table(namedSecret), "A secret in a query parameter."),
            Key("body", .table(pathSecret), "A secret at a path of the body."),
        ])

    static let sign = KeyTable(
        "sign",
        [
            Key("scheme", .word(["standard-webhooks", "hmac"]), required: true, "How the signature is made."),
            Key("algorithm", .word(Destination.Signing.Algorithm.allCases.map(\.rawValue)), "Hash, with hmac."),
            Key("encoding", .word(Destination.Signing.Encoding.allCases.map(\.rawValue)), "With hmac."),
            Key("header", .text, "Header that carries the signature, with hmac."),
            Key("prefix", .text, "Text before the signature, with hmac."),
            Key("secrets", .list(.secret, mayBeEmpty: false), required: true, "The first is the current one."),
        ])

    static let listener = KeyTable(
        "a listener",
        [
            Key("url", .secret, required: true, "The public URL; it holds the export's token."),
            Key("export", .hexID, "Id of the export, for checks."),
            Key("auth", .table(listenerAuth), "What the export expects."),
            Key("sign", .table(sign), "How bodies are signed."),
            Key("records", .text, "The agreed pathToRecords."),
        ])

    static let tls = KeyTable(
        "tls",
        [
            Key("ca", .text, "PEM file that replaces the system's authorities."),
            Key("cert", .text, "PEM file of a client certificate."),
            Key("key", .secret, "Its private key."),
        ])

    private static let commonAuth = [
        Key("bearer", .secret, "A bearer token."),
        Key("basic", .table(basic), "User name and password."),
        Key("header", .table(namedSecret), "A secret in a header."),
    ]

    private static let basic = KeyTable(
        "basic",
        [
            Key("user", .text, required: true, "User name."),
            Key("password", .secret, required: true, "Password."),
        ])

    private static let namedSecret = KeyTable(
        "the secret",
        [
            Key("name", .text, required: true, "Name of the header or parameter."),
            Key("value", .secret, required: true, "The secret."),
        ])

    private static let pathSecret = KeyTable(
        "the secret",
        [
            Key("path", .text, required: true, "Dotted path into the body."),
            Key("value", .secret, required: true, "The secret."),
        ])
}
