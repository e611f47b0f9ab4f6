/// One thread as the executor of actors, and as what tasks prefer.
package struct ThreadExecutors: Sendable {
    package let actors: any SerialExecutor
    package let tasks: any TaskExecutor
    /// For those of their calls that compute, and must not hold up the thread; nil where there is no other thread.
    package let elsewhere: (any TaskExecutor)?

    /// Where something long is computed: elsewhere, or here if there is nothing else.
    package var beside: any TaskExecutor { elsewhere ?? tasks }

    package init(actors: any SerialExecutor, tasks: any TaskExecutor, elsewhere: (any TaskExecutor)?) {
        self.actors = actors
        self.tasks = tasks
        self.elsewhere = elsewhere
    }
}
