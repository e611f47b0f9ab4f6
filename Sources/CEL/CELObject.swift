/// A value of the embedder: members by name, and a member may be *absent*, which is neither null nor an error of the
/// expression's author. Reading an absent member is an error of kind `.absent`; `has(o.m)` is false, `o.?m` is empty.
package protocol CELObject: AnyObject, Sendable {
    /// What `type(o)` is called.
    var typeName: String { get }

    /// - Returns: the member's value (null is a value), or nil when it is absent.
    /// - Throws: what computing the member ended in, for members that are expressions themselves.
    func member(_ name: CELName) throws(CELError) -> CELValue?

    /// Members that are present, in order: what `size`, `in` over keys and comprehensions see.
    func presentMembers() throws(CELError) -> [(name: String, value: CELValue)]

    func equals(_ other: any CELObject) -> Bool
}

extension CELObject {
    package func presentMembers() throws(CELError) -> [(name: String, value: CELValue)] { [] }

    package func equals(_ other: any CELObject) -> Bool { self === other }
}

/// A member's name with the number the embedder gave it when the expression was compiled, so that a host object can
/// find it by index.
package struct CELName: Sendable {
    package let text: String
    /// -1 when the name is computed at run time or the embedder numbers none.
    package let id: Int

    package init(_ text: String, id: Int = -1) {
        self.text = text
        self.id = id
    }
}
