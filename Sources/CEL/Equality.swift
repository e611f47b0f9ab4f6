/// CEL's `==`, counted: values may share parts, so that comparing two small-looking ones can be endless work.
package func areEqual(_ left: CELValue, _ right: CELValue, _ frame: CELFrame) throws(CELError) -> Bool {
    switch (left, right) {
    case (.string(let left), .string(let right)):
        guard left.utf8.count == right.utf8.count else { return false }
        try frame.charge(items: left.utf8.count)
        return sameText(left, right)
    case (.bytes(let left), .bytes(let right)):
        guard left.count == right.count else { return false }
        try frame.charge(items: left.count)
        return left == right
    case (.list(let left), .list(let right)):
        guard left.count == right.count else { return false }
        for index in left.indices {
            try frame.charge(items: 1)
            guard try areEqual(left[index], right[index], frame) else { return false }
        }
        return true
    case (.map(let left), .map(let right)):
        guard left.count == right.count else { return false }
        for (index, key) in left.keys.enumerated() {
            try frame.charge(items: 1)
            try frame.charge(key: key)
            guard let value = right[key], try areEqual(left.values[index], value, frame) else { return false }
        }
        return true
    case (.object(let object), .map(let map)), (.map(let map), .object(let object)):
        return try areEqual(object, map, frame)
    case (.optional(let left?), .optional(let right?)):
        try frame.charge(items: 1)
        return try areEqual(left, right, frame)
    default: return left.equals(right)
    }
}

/// A host object that is a map in all but name is equal to a map of what it has.
private func areEqual(_ object: any CELObject, _ map: CELMap, _ frame: CELFrame) throws(CELError) -> Bool {
    guard object.typeName == "map" else { return false }
    let members = try object.presentMembers()
    try frame.charge(items: members.count)
    guard members.count == map.count else { return false }
    for member in members {
        guard let value = map[.string(member.name)], try areEqual(member.value, value, frame) else { return false }
    }
    return true
}

/// `element in container`
func contains(
    _ container: CELValue, _ element: CELValue, _ frame: CELFrame, at range: Range<Int>
) throws(CELError) -> Bool {
    switch container {
    case .list(let elements):
        for candidate in elements {
            try frame.charge(items: 1)
            if try areEqual(element, candidate, frame) { return true }
        }
        return false
    case .map(let map):
        guard let key = CELKey(element) else { return false }
        try frame.charge(key: key)
        return map[key] != nil
    case .object(let object):
        guard case .string(let name) = element else { return false }
        try frame.charge(key: .string(name))
        return try object.member(CELName(name)) != nil
    default: throw noOverload("'in'", [element, container], at: range)
    }
}
