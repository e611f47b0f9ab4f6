/// A topic as people name it: `/data/AccountChangeEvent`, or what comes after its last slash.
public enum TopicName {
    public static func means(_ name: String, _ topic: String) -> Bool {
        topic == name || (!name.isEmpty && topic.hasSuffix("/" + name))
    }
}
