#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The machine's date, without Foundation.
enum SystemWallClock {
    static func now() -> (seconds: Int64, nanoseconds: Int64) {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return (Int64(time.tv_sec), Int64(time.tv_nsec))
    }
}
