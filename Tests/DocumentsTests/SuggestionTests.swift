import Testing

@testable import Documents

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("enity", "entity"), ("chnage", "change"), ("Entity", "entity"), ("too", "to"), ("descripton", "description"),
    ])
    func `finds the word that was meant`(written: String, meant: String) {
        #expect(Suggestion.nearest(to: written, in: ["entity", "change", "to", "description"]) == meant)
    }

    @Test func `suggests nothing for a word that resembles none`() {
        #expect(Suggestion.nearest(to: "colour", in: ["entity", "change"]) == nil)
        #expect(Suggestion.nearest(to: "", in: ["entity"]) == nil)
    }

    @Test func `is certain only of a word that no other comes as near to`() {
        #expect(Suggestion.only(to: "enity", in: ["entity", "change"]) == "entity")
        #expect(Suggestion.only(to: "id17", in: ["id15", "id18"]) == nil)
        #expect(Suggestion.only(to: "colour", in: ["entity"]) == nil)
    }

    @Test func `counts a swap of neighbours as one edit`() {
        #expect(Suggestion.distance(Array("chnage".unicodeScalars), Array("change".unicodeScalars)) == 1)
        #expect(Suggestion.distance(Array("".unicodeScalars), Array("abc".unicodeScalars)) == 3)
        #expect(Suggestion.distance(Array("kitten".unicodeScalars), Array("sitting".unicodeScalars)) == 3)
    }
}
