// swift-tools-version: 6.2
import PackageDescription

let log: Target.Dependency = .product(name: "Logging", package: "swift-log")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let cryptoExtras: Target.Dependency = .product(name: "CryptoExtras", package: "swift-crypto")
let collections: Target.Dependency = .product(name: "Collections", package: "swift-collections")
let sqlite: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let yaml: Target.Dependency = "Yams"
let http: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let sockets: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
]
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    // Small functions of one layer are compiled into the next: most of what an event passes is such. Only what is `public`
    // is, as in Events, whose types all layers hand on; what is `package` is called.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

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
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "CPubSub", linkerSettings: [.linkedLibrary("protobuf-c")]),
        .target(name: "CRE2", linkerSettings: [.linkedLibrary("re2")]),
        .target(name: "CAllocations"),

        layer("Events"),
        layer("CEL", ["CRE2"]),
        layer("Avro", ["Events", crypto]),
        layer("ChangeEvents", ["Avro", "Events"]),
        layer("Documents", ["Events", yaml]),
        layer("Rules", ["CEL", "Documents", "Events", crypto]),
        layer("Settings", ["Documents", "Events"]),

        layer("Curl", ["CCurl"]),
        layer("HTTP2", ["CNghttp2"]),
        layer("GRPC", ["HTTP2", "Curl"]),
        layer("PubSub", ["CPubSub", "Events"]),
        layer("Salesforce", ["GRPC", "PubSub", "Avro", "Curl", "Events", log, crypto, cryptoExtras]),
        layer("SalesforceREST", ["Salesforce", "Curl", "Events"]),
        layer("FlowMate", ["Curl", "Events", crypto]),
        layer("IntegratorIO", ["Curl", "Events"]),
        layer("Store", ["Events", sqlite]),

        layer(
            "Relay",
            [
                "Settings", "Salesforce", "SalesforceREST", "FlowMate", "IntegratorIO", "Store", "Rules", "ChangeEvents",
                "PubSub", "Documents", "Curl", "Events", log, crypto, collections,
            ]),
        layer("Control", ["Relay", "Events", http, lifecycle, log, .product(name: "NIOHTTP1", package: "swift-nio")] + sockets),
        layer(
            "RuleTests",
            ["Relay", "Rules", "Documents", "Events", "ChangeEvents", "Avro", "Curl", "IntegratorIO", log]),
        layer("RuleSchema", ["RuleTests", "Rules", "CEL", "Documents", "Events"]),
        layer("Emulator", ["CZlib", "GRPC", "PubSub", "Events", lifecycle, http, yaml, log, crypto, collections] + sockets),

        .executableTarget(
            name: "sluice",
            dependencies: [
                "Control", "RuleSchema", "RuleTests", "Relay", "Emulator", "Settings", "SalesforceREST", "FlowMate", "IntegratorIO", "Rules",
                "CEL", "ChangeEvents", "Documents", "Store", "Salesforce", "GRPC", "PubSub", "Curl", arguments, log, http, lifecycle,
            ], swiftSettings: strict),
        .executableTarget(
            name: "sluice-bench", dependencies: ["CAllocations", "Rules", "Salesforce", "GRPC", "PubSub", "ChangeEvents", "Avro", "Events"],
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
        tests("RulesTests", ["Rules", "ChangeEvents", "Avro", "CEL"], data: ["Corpus"]),
        tests("SettingsTests", ["Settings"]),
        tests("CurlTests", ["Curl", "PeerSupport"]),
        tests("HTTP2Tests", ["HTTP2"]),
        tests("GRPCTests", ["GRPC", "HTTP2", "Curl", "PeerSupport"]),
        tests("PubSubTests", ["PubSub"]),
        tests("SalesforceTests", ["Salesforce", "Avro", crypto, cryptoExtras]),
        tests("SalesforceRESTTests", ["SalesforceREST", "Salesforce"]),
        tests("FlowMateTests", ["FlowMate"]),
        tests("IntegratorIOTests", ["IntegratorIO"]),
        .target(name: "CPowerLoss", path: "Tests/CPowerLoss", linkerSettings: [.linkedLibrary("sqlite3")]),
        tests("StoreTests", ["Store", "CPowerLoss", sqlite]),
        .target(name: "CSimulation", path: "Tests/CSimulation"),
        .executableTarget(
            name: "sluice-simulation",
            dependencies: [
                "Relay", "Rules", "Salesforce", "Store", "Settings", "IntegratorIO", "PubSub", "Avro", "Curl", "Events", "CPowerLoss",
                "CSimulation", "TestSupport", log, collections,
            ], path: "Tests/Simulation", swiftSettings: strict),
        tests("SimulationTests", ["PeerSupport"]),
        tests("RelayTests", ["Relay"]),
        tests("ControlTests", ["Control", "Relay", "Curl", "Store", "Events"]),
        tests("RuleSchemaTests", ["RuleSchema", "RuleTests", "Rules", "Documents", "Events"]),
        tests(
            "RuleTestsTests",
            ["RuleTests", "Relay", "Rules", "Documents", "Events", "ChangeEvents", "Avro", "Curl"]),
        tests("EmulatorTests", ["Emulator", "Avro", "Curl", "GRPC", "PubSub"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
