package peer;

import dev.openfunction.functions.Context;
import dev.openfunction.functions.OpenFunction;
import dev.openfunction.functions.Out;

/** Answers the payload it got. */
public class Relay implements OpenFunction {
    @Override
    public Out accept(Context context, String payload) {
        return new Out().setCode(200).setData(java.nio.ByteBuffer.wrap(payload.getBytes()));
    }
}
