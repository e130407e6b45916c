package peer;

import dev.openfunction.functions.CloudEventFunction;
import dev.openfunction.functions.Context;
import io.cloudevents.CloudEvent;

/** Takes an event and answers nothing. */
public class Event implements CloudEventFunction {
    @Override
    public Error accept(Context context, CloudEvent event) {
        return event.getId().isEmpty() ? new Error("no id") : null;
    }
}
