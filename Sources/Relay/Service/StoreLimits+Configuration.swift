import Settings
import Store

extension StoreLimits {
    package init(_ configuration: StoreConfiguration) {
        self.init()
        journalMilliseconds = configuration.journalMilliseconds ?? journalMilliseconds
        journalBytes = configuration.journalBytes ?? journalBytes
        quarantineCount = configuration.quarantineCount ?? quarantineCount
        quarantineBytes = configuration.quarantineBytes ?? quarantineBytes
        sentMilliseconds = configuration.sentMilliseconds ?? sentMilliseconds
        sentBytes = configuration.sentBytes ?? sentBytes
    }
}
