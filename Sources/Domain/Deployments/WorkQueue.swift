import TemplateLanguage

/// Which resources of a template can be made now: those whose dependencies all are.
struct WorkQueue {
    private var waiting: [Int]
    private var dependents: [[Int]]
    private var ready: [Int]

    /// Makes a queue whose first ones come in this order.
    init(_ resources: [PlannedResource], in order: [Int]) {
        self.waiting = resources.map(\.dependencies.count)
        self.dependents = resources.map { _ in [] }
        for (index, one) in resources.enumerated() {
            for other in one.dependencies { self.dependents[other].append(index) }
        }
        self.ready = []
        self.ready = order.filter { self.waiting[$0] == 0 }
    }

    /// Takes one out; nil when all that are left wait for others.
    mutating func next() -> Int? {
        self.ready.isEmpty ? nil : self.ready.removeFirst()
    }

    /// One is made, so that what waits for it alone can be.
    mutating func finish(_ index: Int) {
        for other in self.dependents[index] {
            self.waiting[other] -= 1
            if self.waiting[other] == 0 { self.ready.append(other) }
        }
    }
}
