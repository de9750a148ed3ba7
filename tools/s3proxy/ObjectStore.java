import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.blobstore.BlobStore;
import org.gaul.s3proxy.blobstore.ForwardingBlobStore;
import org.gaul.s3proxy.blobstore.domain.MultipartUpload;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.services.s3.model.BucketCannedACL;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadRequest;
import software.amazon.awssdk.services.s3.model.CompleteMultipartUploadResponse;
import software.amazon.awssdk.services.s3.model.CopyObjectRequest;
import software.amazon.awssdk.services.s3.model.CopyObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.ObjectCannedACL;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.PutObjectResponse;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * S3Proxy over a folder, with what its own store of files lacks: an object is not there until all of it is.
 *
 * <p>S3Proxy writes an object `a/b` into the file `a/b-UUID` and then renames it, but lists that file as if
 * it were an object. Here such files are left out.
 *
 * <p>`ObjectStore HOST:PORT FOLDER`; the keys come in by environment.
 */
public final class ObjectStore extends ForwardingBlobStore {
    /** A signed body is held in memory until it was checked; a larger one has to come in chunks or parts. */
    private static final long LARGEST_SIGNED_BODY = 64 << 20;

    private static final int ATTEMPTS = 5;

    private final Map<String, Integer> beingWritten = new ConcurrentHashMap<>();

    private ObjectStore(BlobStore files) {
        super(files);
    }

    public static void main(String[] words) throws Exception {
        Path folder = Path.of(words[1]).toAbsolutePath();
        String id = variable("S3_ACCESS_KEY_ID");
        String secret = variable("S3_SECRET_ACCESS_KEY");
        Folder.tidy(folder);
        S3Proxy.builder()
                .blobStore(new ObjectStore(new FilesystemNio2BlobStore(folder.toString())))
                .endpoint(new URI("http://" + words[0]))
                .awsAuthentication(AuthenticationType.AWS_V4, id, secret)
                .v4MaxNonChunkedRequestSize(LARGEST_SIGNED_BODY)
                .build()
                .start();
    }

    private static String variable(String name) {
        String value = System.getenv(name);
        if (value == null || value.isEmpty()) {
            System.err.println(name + " is not set: without keys the store would be open to all");
            System.exit(2);
        }
        return value;
    }

    @Override
    public ListObjectsV2Response list(ListObjectsV2Request request) {
        ListObjectsV2Response page = super.list(request);
        String bucket = request.bucket();
        var whole = page.contents().stream().filter(object -> isWhole(bucket, object.key())).toList();
        return whole.size() == page.contents().size() ? page : page.toBuilder().contents(whole).build();
    }

    /** A file that was listed while it was written is still being written, or is gone since. */
    private boolean isWhole(String bucket, String key) {
        var unfinished = Folder.UNFINISHED.matcher(key);
        return !unfinished.matches()
                || !beingWritten.containsKey(bucket + "/" + unfinished.group(1)) && blobExists(bucket, key);
    }

    @Override
    public PutObjectResponse putBlob(PutObjectRequest request, InputStream body) {
        var kept = new Body(body);
        return writing(request.bucket(), request.key(), () -> super.putBlob(request, kept), () -> kept.begun);
    }

    /** A body that an attempt which failed before it read any of it leaves to the next. */
    private static final class Body extends FilterInputStream {
        private boolean begun;

        Body(InputStream body) {
            super(body);
        }

        @Override
        public int read() throws IOException {
            begun = true;
            return super.read();
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            begun = true;
            return super.read(bytes, offset, length);
        }

        @Override
        public void close() {}
    }

    @Override
    public CopyObjectResponse copyBlob(CopyObjectRequest request) {
        return writing(request.destinationBucket(), request.destinationKey(), () -> super.copyBlob(request), () -> false);
    }

    @Override
    public CompleteMultipartUploadResponse completeMultipartUpload(
            MultipartUpload upload, CompleteMultipartUploadRequest request) {
        return writing(
                request.bucket(), request.key(), () -> super.completeMultipartUpload(upload, request), () -> false);
    }

    /** A file's mode would say who may read without keys: nobody may, whoever wrote it. */
    @Override
    public BucketCannedACL getContainerAccess(String bucket) {
        return BucketCannedACL.PRIVATE;
    }

    @Override
    public ObjectCannedACL getBlobAccess(String bucket, String key) {
        return ObjectCannedACL.PRIVATE;
    }

    @Override
    public ObjectCannedACL getBlobAccess(String bucket, String key, String version) {
        return ObjectCannedACL.PRIVATE;
    }

    private <T> T writing(String bucket, String key, Supplier<T> write, BooleanSupplier begun) {
        String name = bucket + "/" + key;
        beingWritten.merge(name, 1, Integer::sum);
        try {
            for (int attempt = 1; ; attempt++) {
                try {
                    return write.get();
                } catch (RuntimeException error) {
                    // Its folder was made and, while still empty, removed by a delete.
                    boolean gone = error.getCause() instanceof NoSuchFileException;
                    if (!gone || begun.getAsBoolean() || attempt == ATTEMPTS) {
                        throw told(error);
                    }
                }
            }
        } finally {
            beingWritten.computeIfPresent(name, (same, count) -> count == 1 ? null : count - 1);
        }
    }

    /** What a folder of files can't hold (`a` beside `a/b`, long names) is not tried again by clients. */
    private static RuntimeException told(RuntimeException error) {
        boolean lasts = error.getCause() instanceof FileSystemException;
        if (!lasts || error.getCause() instanceof NoSuchFileException) {
            return error;
        }
        var cause = (FileSystemException) error.getCause();
        String reason = cause.getReason() == null ? "a file is where a folder has to be" : cause.getReason();
        var details = AwsErrorDetails.builder().errorCode("OperationAborted").errorMessage(reason).build();
        return (RuntimeException)
                S3Exception.builder().statusCode(409).awsErrorDetails(details).message(reason).build();
    }
}
