extension String {
    /// To go on with in a sentence.
    public var withoutFullStop: String { hasSuffix(".") ? String(dropLast()) : self }
}
