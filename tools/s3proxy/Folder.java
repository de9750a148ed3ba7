import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;

/** The folder below S3Proxy, made ready before it starts: after a kill, and after another server. */
final class Folder {
    /** What S3Proxy calls the file of an object until it is whole; the group is the object's own name. */
    static final Pattern UNFINISHED =
            Pattern.compile("(.+)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", Pattern.DOTALL);

    /** Of an unfinished file, by the launcher's umask: S3Proxy takes the last 4 away from what is whole. */
    private static final int UNFINISHED_MODE = 0604;

    private static final String ETAG = "user.content-md5";
    private static final String UPLOADS_OF_VERSITYGW = ".sgwtmp";

    private Folder() {}

    static void tidy(Path root) throws IOException {
        List<Path> paths;
        try (var walk = Files.walk(root)) {
            // What is in a folder comes before the folder, so that both can go.
            paths = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : paths) {
            Path within = root.relativize(path);
            if (within.getNameCount() < 2) {
                continue;
            }
            if (within.getName(1).toString().equals(UPLOADS_OF_VERSITYGW) || isUnfinished(path)) {
                Files.delete(path);
            } else {
                adopt(path);
            }
        }
    }

    private static boolean isUnfinished(Path path) throws IOException {
        if (!Files.isRegularFile(path) || !UNFINISHED.matcher(path.getFileName().toString()).matches()) {
            return false;
        }
        var found = Files.readAttributes(path, "unix:mode,nlink", LinkOption.NOFOLLOW_LINKS);
        // With `If-None-Match: *` the file gets the object's name as a second one and loses the first.
        return ((int) found.get("mode") & 0777) == UNFINISHED_MODE || (int) found.get("nlink") > 1;
    }

    /** Gives an object that S3Proxy did not write the ETag that it had elsewhere, or that of its bytes. */
    private static void adopt(Path path) throws IOException {
        var view = Files.getFileAttributeView(path, UserDefinedFileAttributeView.class);
        List<String> names = view.list();
        boolean file = Files.isRegularFile(path);
        // A folder is an object only where somebody said so.
        if (names.contains(ETAG) || !file && !names.contains("etag")) {
            return;
        }
        for (String name : names) {
            if (name.equals("content-type")) {
                view.write("user.content-type", ByteBuffer.wrap(read(view, name)));
            } else if (name.startsWith("X-Amz-Meta.")) {
                String key = name.substring("X-Amz-Meta.".length());
                view.write("user.user-metadata." + key, ByteBuffer.wrap(read(view, name)));
            }
        }
        String etag = names.contains("etag")
                ? new String(read(view, "etag"), StandardCharsets.UTF_8).replace("\"", "")
                : HexFormat.of().formatHex(md5(path));
        boolean plain = etag.matches("[0-9a-f]{32}");
        byte[] quoted = ('"' + etag + '"').getBytes(StandardCharsets.UTF_8);
        view.write(ETAG, ByteBuffer.wrap(plain ? HexFormat.of().parseHex(etag) : quoted));
    }

    private static byte[] read(UserDefinedFileAttributeView view, String name) throws IOException {
        var value = ByteBuffer.allocate(view.size(name));
        view.read(name, value);
        return value.array();
    }

    private static byte[] md5(Path path) throws IOException {
        try {
            var digest = MessageDigest.getInstance("MD5");
            try (InputStream body = new DigestInputStream(Files.newInputStream(path), digest)) {
                body.transferTo(OutputStream.nullOutputStream());
            }
            return digest.digest();
        } catch (NoSuchAlgorithmException error) {
            throw new UncheckedIOException(new IOException(error));
        }
    }
}
