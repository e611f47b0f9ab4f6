extension String {
    /// To go on with in a sentence.
    package var withoutFullStop: String { hasSuffix(".") ? String(dropLast()) : self }
}
