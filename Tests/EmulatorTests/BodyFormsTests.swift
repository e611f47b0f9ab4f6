import Events
import Testing

@testable import Emulator

/// XML and multipart forms, as FlowMate's webhook reads them.
@Suite struct BodyFormsTests {
    private func xml(_ text: String) throws -> Value { try XMLData.parse(Array(text.utf8)) }

    @Test(arguments: [
        ("<a/>", #"{"a":""}"#), ("<a> x </a>", #"{"a":" x "}"#), ("<a>\n  <b>1</b>\n</a>", #"{"a":{"b":"1"}}"#),
        ("<a k='1'>x</a>", #"{"a":{"_attr":{"k":"1"},"_":"x"}}"#),
        ("<a><b>1</b><c/><b>2</b></a>", #"{"a":{"b":["1","2"],"c":""}}"#),
        ("<!DOCTYPE a><!-- c --><a>&lt;&#65;&#x42;&gt;<![CDATA[<&]]></a><!-- d -->", #"{"a":"<AB><&"}"#),
        ("<n:a m:k=\"it's\"></n:a >", #"{"n-a":{"_attr":{"m:k":"it's"}}}"#),
        ("\u{FEFF}<?xml version=\"1.0\"?><ä>ö</ä>", #"{"ä":"ö"}"#),
    ])
    func `XML becomes maps, lists and text`(_ text: String, _ json: String) throws {
        #expect(try xml(text) == (try JSONReader.parse(json)))
    }

    @Test(arguments: [
        "", "x", "<a>", "<a></b>", "<a", "<a b></a>", "<a b=c></a>", "<a>&nope;</a>", "<a/><b/>", "<a><!-- </a>", "< a/>",
        "<a b='1</a>", "<a><![CDATA[x</a>",
    ])
    func `what is no XML is refused`(_ text: String) {
        #expect(throws: XMLData.Failure.self) { try xml(text) }
    }

    @Test func `depth is bounded`() {
        let deep = String(repeating: "<a>", count: 100_000)
        #expect(throws: XMLData.Failure.self) { try xml(deep) }
    }

    @Test func `a form's fields are read, and files passed over`() throws {
        let body = """
            preamble\r
            --B\r
            Content-Disposition: form-data; name="a"\r
            \r
            one\r
            --B\r
            content-disposition: form-data; name="file"; filename="x.txt"\r
            Content-Type: text/plain\r
            \r
            content\r
            --B\r
            Content-Disposition: form-data; name="a"\r
            \r
            two
            lines\r
            --B--\r

            """
        let fields = try MultipartForm.parse(Array(body.utf8), contentType: "multipart/form-data; boundary=\"B\"")
        #expect(fields == ["a": .list([.string("one"), .string("two\nlines")])])
    }
}
