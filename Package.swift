// swift-tools-version: 6.2
import PackageDescription

let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let collections: Target.Dependency = .product(name: "Collections", package: "swift-collections")
let sqlite: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let yaml: Target.Dependency = "Yams"
let http: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let sockets: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
]
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

func layer(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// - Parameter data: files that tests read themselves.
func tests(_ name: String, _ dependencies: [Target.Dependency], data: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies + ["TestSupport"], exclude: data, swiftSettings: strict)
}

// Lowest layer first; a test reads the imports and keeps the arrows pointing down.
let package = Package(
    name: "Sluice",
    products: [
        .executable(name: "sluice", targets: ["sluice"]), .executable(name: "sluice-bench", targets: ["sluice-bench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    ],
    targets: [
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev", "libssl-dev"])]),
        .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
        .target(name: "CPubSub", linkerSettings: [.linkedLibrary("protobuf-c")]),
        .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),

        layer("Events"),
        layer("CEL", ["CRE2"]),
        layer("Avro", ["Events", crypto]),
        layer("ChangeEvents", ["Avro", "Events"]),
        layer("Documents", ["Events", yaml]),
        layer("Rules", ["Documents", "Events", crypto]),
        layer("Settings", ["Documents", "Events"]),

        layer("Curl", ["CCurl"]),
        layer("HTTP2", ["CNghttp2"]),
        layer("GRPC", ["HTTP2", "Curl"]),
        layer("PubSub", ["CPubSub", "Events"]),
        layer("Salesforce", ["GRPC", "PubSub", "Curl", "Events", log]),
        layer("FlowMate", ["Curl", "Events", crypto]),
        layer("IntegratorIO", ["Curl", "Events"]),
        layer("Store", ["Events", sqlite]),

        layer(
            "Relay",
            [
                "Settings", "Salesforce", "FlowMate", "IntegratorIO", "Store", "Rules", "ChangeEvents", "PubSub", "Curl", "Events",
                log, crypto, collections,
            ]),
        layer("Emulator", ["GRPC", "PubSub", "Events", lifecycle, http, yaml, log, crypto, collections] + sockets),

        .executableTarget(
            name: "sluice",
            dependencies: ["Relay", "Emulator", "Settings", "ChangeEvents", arguments, log], swiftSettings: strict),
        .executableTarget(
            name: "sluice-bench", dependencies: ["Salesforce", "GRPC", "PubSub", "ChangeEvents", "Avro", "Events"],
            swiftSettings: strict),

        .target(
            name: "TestSupport", dependencies: ["Events", "Curl"], path: "Tests/TestSupport", swiftSettings: strict),
        .target(name: "PeerSupport", path: "Tests/PeerSupport", exclude: ["peers"], swiftSettings: strict),
        tests("ArchitectureTests", []),
        tests("EventsTests", ["Events"]),
        tests("CELTests", ["CEL"]),
        tests("AvroTests", ["Avro"]),
        tests("ChangeEventsTests", ["ChangeEvents"]),
        tests("DocumentsTests", ["Documents"]),
        tests("RulesTests", ["Rules"], data: ["Corpus"]),
        tests("SettingsTests", ["Settings"]),
        tests("CurlTests", ["Curl", "PeerSupport"]),
        tests("HTTP2Tests", ["HTTP2"]),
        tests("GRPCTests", ["GRPC", "HTTP2", "Curl", "PeerSupport"]),
        tests("PubSubTests", ["PubSub"]),
        tests("SalesforceTests", ["Salesforce"]),
        tests("FlowMateTests", ["FlowMate"]),
        tests("IntegratorIOTests", ["IntegratorIO"]),
        tests("StoreTests", ["Store"]),
        tests("RelayTests", ["Relay"]),
        tests("EmulatorTests", ["Emulator", "Avro", "Curl", "GRPC", "PubSub"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
