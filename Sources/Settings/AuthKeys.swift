import Documents

/// The keys of an org's `auth` and `rest`.
enum AuthKeys {
    static let flows = ["clientCredentials", "jwtBearer", "refreshToken", "accessToken", "password"]

    static let auth = KeyTable(
        "auth",
        [
            Key("clientCredentials", .table(clientCredentials), "The OAuth 2.0 client credentials flow."),
            Key("jwtBearer", .table(jwtBearer), "The OAuth 2.0 JWT bearer flow: a key whose certificate the app has."),
            Key("refreshToken", .table(refreshToken), "After `sluice salesforce login` by a person."),
            Key("accessToken", .secret, "A token that something else obtains and renews."),
            Key("password", .table(password), "User name and password: Salesforce is closing this flow."),
            Key("instanceUrl", .text, "With accessToken; by default loginUrl."),
            Key("tenantId", .text, "With accessToken: the org ID; by default userinfo is asked."),
            Key(
                "onOrgChange", .word(OrgChangeConfiguration.allCases.map(\.rawValue)), default: "stop",
                "When the credentials lead to another org: a sandbox was refreshed."),
        ])

    private static let clientID = Key("clientId", .shapes([.text, .secret]), required: true, "The app's Consumer Key.")

    static let clientCredentials = KeyTable(
        "clientCredentials",
        [clientID, Key("clientSecret", .secret, required: true, "The app's Consumer Secret.")])

    static let jwtBearer = KeyTable(
        "jwtBearer",
        [
            clientID, Key("username", .text, required: true, "Of the user to act for, who must be allowed in advance."),
            Key("key", .secret, required: true, "RSA private key, PEM; its certificate is uploaded to the app."),
            Key(
                "audience", .url,
                "By default https://login.salesforce.com; https://test.salesforce.com for a sandbox"),
        ])

    static let refreshToken = KeyTable(
        "refreshToken",
        [
            clientID, Key("clientSecret", .secret, "The app's Consumer Secret, if it asks for one."),
            Key("tokenKey", .secret, required: true, "32 bytes, base64 or hex, that encrypt the stored token."),
            Key("tokenFile", .text, "Relative to this file; by default salesforce-<org>.token."),
            Key(
                "callback", .url, default: RefreshTokenConfiguration.defaultCallback,
                "Loopback address for the browser's return; also a Callback URL of the app."),
        ])

    static let password = KeyTable(
        "password",
        [
            clientID, Key("clientSecret", .secret, required: true, "The app's Consumer Secret."),
            Key("username", .text, required: true, "Of the user."),
            Key("password", .secret, required: true, "Of the user."),
            Key("securityToken", .secret, "Of the user; not needed from a trusted address."),
        ])

    static let rest = KeyTable(
        "rest",
        [
            Key(
                "dailyShare", .integer(1...100), default: "50",
                "Percent of the org's daily API calls, everybody's counted, beyond which none is made."),
            Key("apiVersion", .text, default: "62.0", "Of the REST API."),
            Key("clientName", .text, default: "Sluice", "By which own writes are told in change events."),
            Key("concurrency", .integer(1...25), default: "5", "Calls at once."),
            Key(
                "bulkFrom", .integer(0...1_000_000_000), default: "100000",
                "Snapshots, backfills and re-reads of so many records or more read by Bulk API 2.0; 0 is never."),
        ])
}
