import Events

/// One call for some records of one object.
struct RecordFetch {
    /// Field lists up to this go into the address, longer ones into a body: addresses end at 16,384 bytes.
    static let maximumQueryCharacters = 8_000

    let client: RESTClient
    let describes: DescribeCache

    /// For each record its fields, nil if it is gone, or why it could not be read.
    func outcomes(entity: String, ids: [String], fields: [String]?) async -> [String: Result<Fields?, RESTError>] {
        do throws(RESTError) {
            let normalizer = try await makeNormalizer(entity, fields)
            if ids.count == 1 { return [ids[0]: .success(try await one(entity, ids[0], normalizer))] }
            do throws(RESTError) {
                return try await many(entity, ids, normalizer)
            } catch {
                // One ID that Salesforce cannot read must not spoil the others.
                guard error.kind == .rejected || error.kind == .notFound else { throw error }
                return await apart(entity, ids, normalizer)
            }
        } catch {
            return Dictionary(uniqueKeysWithValues: ids.map { ($0, .failure(error)) })
        }
    }

    private func makeNormalizer(_ entity: String, _ fields: [String]?) async throws(RESTError) -> RecordNormalizer {
        let normalizer = RecordNormalizer(try await describes.description(of: entity), fields: fields)
        guard !normalizer.unknown.isEmpty else { return normalizer }
        let age = RecordReader.unknownFieldAge
        return RecordNormalizer(try await describes.description(of: entity, maximumAge: age), fields: fields)
    }

    private func one(_ entity: String, _ id: String, _ normalizer: RecordNormalizer) async throws(RESTError) -> Fields?
    {
        let names = normalizer.queryFields.joined(separator: ",")
        guard names.utf8.count <= Self.maximumQueryCharacters else {
            return try await many(entity, [id], normalizer)[id]?.get() ?? nil
        }
        let call = RESTCall(
            .get, RESTCall.path("sobjects", entity, id), query: [("fields", names)], action: "read \(entity) \(id)")
        do throws(RESTError) {
            let answer = try await client.send(call)
            guard let record = try answer.json().fields else { throw answer.unexpected("it is no record") }
            return record["IsDeleted"] == .bool(true) ? nil : normalizer.normalized(record)
        } catch {
            guard error.kind == .notFound else { throw error }
            return nil
        }
    }

    private func many(
        _ entity: String, _ ids: [String], _ normalizer: RecordNormalizer
    ) async throws(RESTError) -> [String: Result<Fields?, RESTError>] {
        let records = try await client.retrieve(entity, ids: ids, fields: normalizer.queryFields)
        return Dictionary(
            uniqueKeysWithValues: zip(ids, records).map { id, record in
                (id, .success(record.map(normalizer.normalized)))
            })
    }

    private func apart(
        _ entity: String, _ ids: [String], _ normalizer: RecordNormalizer
    ) async -> [String: Result<Fields?, RESTError>] {
        var results: [String: Result<Fields?, RESTError>] = [:]
        for id in ids {
            do throws(RESTError) {
                results[id] = .success(try await one(entity, id, normalizer))
            } catch {
                results[id] = .failure(error)
            }
        }
        return results
    }
}
