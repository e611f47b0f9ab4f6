import Documents

/// The keys of a destination and of what it holds.
enum DestinationKeys {
    static let destination = KeyTable(
        "a destination",
        [
            Key("kind", .word(Destination.Kind.allCases.map(\.rawValue)), required: true, "What is spoken there."),
            Key("baseUrl", .url, kinds: [.flowmate, .integrator], "Root of the API."),
            Key("url", .url, kinds: [.webhook], "Full URL; a delivery may append a path."),
            Key("auth", .table(auth), "How requests are authorized."),
            Key("sign", .table(sign), kinds: [.webhook, .flowmate], "How bodies are signed."),
            Key(
                "listeners", .map(.name, .table(listener)), default: "{}", kinds: [.integrator],
                "Webhook exports of integrator.io."),
            Key("tls", .table(tls), "Own certificate authority, client certificate."),
            Key("proxy", .text, "URL of an HTTP proxy; default is that of the environment."),
            Key("headers", .map(.headerName, .text), default: "{}", kinds: [.webhook], "Sent with every request."),
            Key("timeout", .duration, default: "30s", "For one attempt."),
            Key("concurrency", .integer(1...256), "Requests at the same time."),
            Key("rate", .rate, "Requests per second, minute or hour."),
            Key("allowHttp", .bool, default: "false", "Allows plain http, for tests."),
        ])

    static let auth = KeyTable("auth", isChoice: true, commonAuth)

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
