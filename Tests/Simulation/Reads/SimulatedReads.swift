import Curl
import Events

/// Salesforce's side of a rule that reads what events do not tell; and a rule that fails in some of its versions, whose
/// deliveries stand until it is mended. The journal may keep nothing meanwhile.
enum SimulatedReads {
    /// - Parameters:
    ///   - version: odd ones fail.
    ///   - key: what the lanes go by.
    static func rules(version: Int, key: String) -> String {
        """
          - id: read
            match: {entity: Sample__c, change: [create, update]}
            onGap: skip
            needs: {fields: [Title__c], missing: fetch}
            to: {destination: hook, key: "\(key)", body: {k: "${rule.id} ${event.id} ${recordId}", t: "${record.Title__c}"}}
          - id: mended
            match: {entity: Sample__c, change: [update, delete]}
            onGap: skip
            to:
              destination: slow
              key: "\(key)"
              onError: pause
              body: {k: "${rule.id} ${event.id} ${recordId}"\(version % 2 == 0 ? "" : ", x: \"${record.Absent__c}\"")}

        """
    }

    static func wanting(_ change: SampleEvents.Change) -> [String] {
        switch change {
        case .create: ["read"]
        case .update: ["read", "mended"]
        case .delete: ["mended"]
        default: []
        }
    }

    static func isRead(_ request: HTTPRequest) -> Bool { request.path.contains("/sobjects/Sample__c") && request.method != "PATCH" }

    /// Nil for what is no read.
    static func answer(_ request: HTTPRequest, _ truth: Truth) -> HTTPResponse? {
        guard isRead(request) else { return nil }
        if request.path.contains("/describe") { return .json(description) }
        if request.method == "POST" {
            let ids = String(decoding: request.body, as: UTF8.self).split(separator: "\"").filter { $0.hasPrefix("a0B") }
            return .json("[\(ids.map { record(String($0)) }.joined(separator: ","))]")
        }
        let id = request.path.split(separator: "?")[0].split(separator: "/").last.map(String.init) ?? ""
        guard id.hasPrefix("a0B") else {
            truth.problem("a read that nobody can answer: \(request.url)")
            return nil
        }
        return .json(record(id))
    }

    private static func record(_ id: String) -> String {
        #"{"attributes":{"type":"Sample__c"},"Id":"\#(id)","Title__c":"of \#(id)"}"#
    }

    private static let description = """
        {"name":"Sample__c","label":"Sample","keyPrefix":"a0B","queryable":true,"fields":[
        {"name":"Id","type":"id","label":"Id"},{"name":"Number__c","type":"double","label":"Number"},
        {"name":"Title__c","type":"string","label":"Title"}]}
        """
}
