package peer;

import dev.openfunction.functions.HttpFunction;
import dev.openfunction.functions.HttpRequest;
import dev.openfunction.functions.HttpResponse;
import java.io.InputStream;

/** Answers the length of a body that it never holds as a whole. */
public class Count implements HttpFunction {
    @Override
    public void service(HttpRequest request, HttpResponse response) throws Exception {
        byte[] chunk = new byte[65536];
        long total = 0;
        InputStream body = request.getInputStream();
        for (int n; (n = body.read(chunk)) > 0; ) {
            total += n;
        }
        response.getWriter().write(Long.toString(total));
    }
}
