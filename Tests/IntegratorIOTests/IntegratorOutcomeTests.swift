import Curl
import Testing

@testable import IntegratorIO

@Suite struct IntegratorOutcomeTests {
    @Test(arguments: [
        (302, IntegratorFailureKind.configuration), (400, .configuration), (401, .credential), (403, .scope),
        (404, .missing), (405, .configuration), (408, .unknown), (409, .busy), (413, .configuration),
        (415, .configuration), (422, .invalid), (425, .retry), (429, .rateLimited), (500, .unknown), (502, .unknown),
        (503, .unknown), (504, .unknown), (599, .unknown),
    ])
    func `each status of an API call has its class`(_ status: Int, _ kind: IntegratorFailureKind) {
        #expect(IntegratorFailureKind(status: status) == kind)
    }

    @Test(arguments: [
        (TransportError.Kind.badURL, false, IntegratorFailureKind.configuration), (.resolve, false, .retry),
        (.connect, false, .retry), (.proxy, false, .retry), (.tls, false, .retry),
        (.certificate, false, .configuration), (.localFile, false, .configuration), (.timeout, true, .unknown),
        (.timeout, false, .retry), (.reset, true, .unknown), (.reset, false, .retry), (.other, true, .unknown),
        (.cancelled, false, .retry),
    ])
    func `each transport failure of an API call has its class`(
        _ kind: TransportError.Kind, _ sent: Bool, _ expected: IntegratorFailureKind
    ) {
        let error = TransportError(kind: kind, target: "https://h:443", reason: "x", mayHaveBeenSent: sent)
        #expect(IntegratorFailureKind(error) == expected)
    }

    @Test(arguments: [
        (200, ListenerOutcome.Action.delivered), (204, .delivered), (202, .delivered), (301, .holdDestination),
        (400, .park), (401, .holdListener), (403, .holdListener), (404, .holdListener), (405, .park), (408, .retry),
        (409, .retryFewTimes), (413, .park), (415, .park), (422, .park), (425, .retry), (429, .slowDown),
        (418, .park), (500, .retry), (502, .retry), (503, .retry), (504, .retry),
    ])
    func `each status of a listener has its action`(_ status: Int, _ action: ListenerOutcome.Action) {
        let outcome = ListenerOutcome.judge(HTTPResponse(status: status))
        #expect(outcome.action == action)
        #expect(outcome.unknown == (status >= 500))
    }

    @Test func `a listener's address is in no reason`() {
        let error = TransportError(
            kind: .timeout, target: "https://api.integrator.io/v1/exports/x/secret/data", reason: "timed out",
            mayHaveBeenSent: true)
        let outcome = ListenerOutcome.judge(error)
        #expect(outcome == ListenerOutcome(.retry, "no answer from the listener: timed out", unknown: true))
    }

    @Test func `a failure says what was tried, the status, and the first errors`() {
        let entries = IntegratorFailure.entries(
            of: Array(#"{"errors":[{"code":"invalid_ref","field":"_id","message":"no\u0000 such"}]}"#.utf8))
        let failure = IntegratorFailure(action: "run flow 5", cause: .status(422), entries: entries)
        #expect(
            failure.description == "cannot run flow 5: integrator.io answered 422: invalid_ref _id no such")
    }
}
