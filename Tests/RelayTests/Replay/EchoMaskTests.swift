import Store
import Testing

@testable import Relay

struct EchoMaskTests {
    private let mask = EchoMask(
        Array(#"{"id":"001Dp00000001BEIAY","who":"Ada \"Lady\" Lovelace","n":123456,"ok":true,"c":"NL","in":["abcd"]}"#.utf8), [])

    @Test func `what a receiver says back is hidden, and what it says itself is not`() {
        let answer = #"{"error":"bad","got":{"id":"001Dp00000001BEIAY","who":"Ada \"Lady\" Lovelace","n":123456,"c":"NL"}}"#
        #expect(mask.masked(answer) == #"{"error":"bad","got":{"id":"•••","who":"•••","n":•••,"c":"NL"}}"#)
        #expect(mask.masked("no field abc here") == "no field abc here")
        #expect(mask.masked("") == "")
    }

    @Test func `so is one that the end of the excerpt cuts off`() {
        #expect(mask.masked(#"got "001Dp0000"#) == #"got "•••"#)
    }

    @Test func `a body that is no JSON is hidden by its words`() {
        #expect(EchoMask(Array("name=Ada&x=1 secret".utf8), []).masked("bad: secret name=Ada&x=1") == "bad: ••• •••")
    }

    @Test func `where it is not known what was sent, nothing of the answer is shown`() {
        let sentAgain = [AttemptRecord.mark("edited by an operator", at: 1)]
        #expect(EchoMask([], []).masked("bad name Kate") == "•••")
        #expect(EchoMask(Array(#"{"name":"Ada Lovelace"}"#.utf8), sentAgain).masked("bad name Kate") == "•••")
        #expect(EchoMask([], []).masked("") == "")
    }
}
