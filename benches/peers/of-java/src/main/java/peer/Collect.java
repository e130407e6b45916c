package peer;

import dev.openfunction.functions.HttpFunction;
import dev.openfunction.functions.HttpRequest;
import dev.openfunction.functions.HttpResponse;

/** Answers the length of a body that it holds as a whole. */
public class Collect implements HttpFunction {
    @Override
    public void service(HttpRequest request, HttpResponse response) throws Exception {
        byte[] body = request.getInputStream().readAllBytes();
        response.getWriter().write(Integer.toString(body.length));
    }
}
